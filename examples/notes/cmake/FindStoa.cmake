# find_package(Stoa) for programs outside Stoa's source tree: copy this file.
#
#   Stoa::Stoa                       the library; with STOA_STATIC set, the static one and its dependencies
#   stoa_generate(TARGET X.proto...) generates X.stoa.h and X.stoa.c and compiles them into TARGET; OPTION client adds
#                                    X.client.stoa.h and .c
#
#   find_package(Stoa REQUIRED)
#   add_executable(notes main.c)
#   target_link_libraries(notes PRIVATE Stoa::Stoa)
#   stoa_generate(notes notes.proto)
option(STOA_STATIC "Link libstoa.a" OFF)

find_package(PkgConfig REQUIRED)
set(PKG_CONFIG_USE_CMAKE_PREFIX_PATH ON)
pkg_check_modules(Stoa_PC QUIET IMPORTED_TARGET stoa)
if(Stoa_PC_FOUND)
  pkg_get_variable(Stoa_PROTODIR stoa protodir)
  pkg_get_variable(Stoa_PLUGIN stoa plugin)
endif()
find_program(Stoa_PROTOC protoc)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Stoa
  REQUIRED_VARS Stoa_PC_LINK_LIBRARIES Stoa_PROTODIR Stoa_PLUGIN Stoa_PROTOC
  VERSION_VAR Stoa_PC_VERSION)

if(Stoa_FOUND AND NOT TARGET Stoa::Stoa)
  add_library(Stoa::Stoa INTERFACE IMPORTED)
  if(STOA_STATIC)
    find_library(Stoa_ARCHIVE libstoa.a HINTS ${Stoa_PC_LIBDIR} REQUIRED)
    set(Stoa_NEEDED ${Stoa_PC_STATIC_LIBRARIES})
    list(REMOVE_ITEM Stoa_NEEDED stoa)
    target_include_directories(Stoa::Stoa INTERFACE ${Stoa_PC_INCLUDE_DIRS})
    target_link_directories(Stoa::Stoa INTERFACE ${Stoa_PC_STATIC_LIBRARY_DIRS})
    target_link_libraries(Stoa::Stoa INTERFACE ${Stoa_ARCHIVE} ${Stoa_NEEDED} ${Stoa_PC_STATIC_LDFLAGS_OTHER})
  else()
    target_link_libraries(Stoa::Stoa INTERFACE PkgConfig::Stoa_PC)
  endif()
endif()

function(stoa_generate target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OPTION" "")
  set(kinds stoa)
  set(options c)
  if(arg_OPTION STREQUAL client)
    list(APPEND kinds client.stoa)
    set(options c,client)
  endif()
  foreach(proto IN LISTS arg_UNPARSED_ARGUMENTS)
    get_filename_component(path ${proto} ABSOLUTE)
    get_filename_component(folder ${path} DIRECTORY)
    get_filename_component(name ${path} NAME_WLE)
    set(outputs "")
    foreach(kind IN LISTS kinds)
      list(APPEND outputs ${CMAKE_CURRENT_BINARY_DIR}/${name}.${kind}.h ${CMAKE_CURRENT_BINARY_DIR}/${name}.${kind}.c)
    endforeach()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND ${Stoa_PROTOC} --plugin=protoc-gen-stoa=${Stoa_PLUGIN} -I${folder} -I${Stoa_PROTODIR}
        --stoa_opt=${options} --stoa_out=${CMAKE_CURRENT_BINARY_DIR} ${path}
      DEPENDS ${path} ${Stoa_PLUGIN}
      VERBATIM)
    target_sources(${target} PRIVATE ${outputs})
  endforeach()
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
