#include "names_kept.h"

#include <string.h>

#include "text.h"

/* In each list every name has a blank on both sides. */

/* Keywords of C11, C23 and C++20, and macros that the compiler or a header of Stoa defines. */
static const char words[] =
    " alignas alignof and and_eq asm assert atomic_cancel atomic_commit auto bitand bitor bool break case catch"
    " char char16_t char32_t char8_t class co_await co_return co_yield compl complex concept const const_cast"
    " consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum errno"
    " explicit export extern false float for friend goto i386 if imaginary inline int linux long mutable namespace"
    " new noexcept noreturn not not_eq nullptr offsetof operator or or_eq private protected public register"
    " reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast stderr stdin"
    " stdout struct switch synchronized template this thread_local throw true try typedef typeid typename typeof"
    " typeof_unqual union unix unsigned using virtual void volatile wchar_t while xor xor_eq"
    " ";

/* Types of the generated structs: in C++ no member of a struct may have the name of a type that the struct uses. */
static const char types[] =
    " int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t"
    " ";

/* Macros in small letters of the C library's headers. */
static const char macros[] =
    " arp_hln arp_hrd arp_op arp_pln arp_pro b64_ntop b64_pton basename d_fileno direct dn_count_labels"
    " dq_bhardlimit dq_bsoftlimit dq_btime dq_curinodes dq_curspace dq_ihardlimit dq_isoftlimit dq_itime dq_valid"
    " fp_nquery fp_query fp_resstat h_addr h_errno hostalias icmp6_data16 icmp6_data32 icmp6_data8 icmp6_id"
    " icmp6_maxdelay icmp6_mtu icmp6_pptr icmp6_seq icmp_data icmp_gwaddr icmp_id icmp_ip icmp_lifetime icmp_mask"
    " icmp_nextmtu icmp_num_addrs icmp_otime icmp_pmvoid icmp_pptr icmp_radv icmp_rtime icmp_seq icmp_ttime"
    " icmp_void icmp_wpa ifa_broadaddr ifa_dstaddr ifc_buf ifc_req ifr__name ifr_addr ifr_bandwidth ifr_broadaddr"
    " ifr_data ifr_dstaddr ifr_flags ifr_hwaddr ifr_ifindex ifr_map ifr_metric ifr_mtu ifr_name ifr_netmask"
    " ifr_newname ifr_qlen ifr_slave ip6_flow ip6_hlim ip6_hops ip6_nxt ip6_plen ip6_vfc loc_aton loc_ntoa"
    " math_errhandling mld_cksum mld_code mld_maxdelay mld_reserved mld_type msg_cbytes nd_na_cksum nd_na_code"
    " nd_na_flags_reserved nd_na_type nd_ns_cksum nd_ns_code nd_ns_reserved nd_ns_type nd_ra_cksum nd_ra_code"
    " nd_ra_curhoplimit nd_ra_flags_reserved nd_ra_router_lifetime nd_ra_type nd_rd_cksum nd_rd_code"
    " nd_rd_reserved nd_rd_type nd_rs_cksum nd_rs_code nd_rs_reserved nd_rs_type no_argument nsaddr"
    " optional_argument p_cdname p_cdnname p_class p_fqname p_fqnname p_option p_query p_rcode p_time p_type"
    " putlong putshort required_argument res_close res_hostalias res_init res_isourserver res_nameinquery"
    " res_nclose res_ninit res_queriesmatch res_randomid rr_cksum rr_code rr_seqnum rr_type rt_mss s6_addr"
    " s6_addr16 s6_addr32 sa_handler sa_sigaction sched_priority si_addr si_addr_lsb si_arch si_band si_call_addr"
    " si_fd si_int si_lower si_overrun si_pid si_pkey si_ptr si_status si_stime si_syscall si_timerid si_uid"
    " si_upper si_utime si_value sigev_notify_attributes sigev_notify_function ss_name ss_speed st_atime st_ctime"
    " st_mtime stats_ptr sym_ntop sym_ntos sym_ston th_block th_code th_data th_msg th_stuff ut_addr ut_name"
    " ut_time ut_xtime"
    " ";

/* Macros in capitals of the headers that nearly every program includes. */
static const char constants[] =
    " ADJ_ESTERROR ADJ_FREQUENCY ADJ_MAXERROR ADJ_MICRO ADJ_NANO ADJ_OFFSET ADJ_OFFSET_SINGLESHOT"
    " ADJ_OFFSET_SS_READ ADJ_SETOFFSET ADJ_STATUS ADJ_TAI ADJ_TICK ADJ_TIMECONST AIO_PRIO_DELTA_MAX BC_BASE_MAX"
    " BC_DIM_MAX BC_SCALE_MAX BC_STRING_MAX BIG_ENDIAN BOOL_MAX BOOL_WIDTH BYTE_ORDER CHARCLASS_NAME_MAX CHAR_BIT"
    " CHAR_MAX CHAR_MIN CHAR_WIDTH CLOCKS_PER_SEC CLOCK_BOOTTIME CLOCK_BOOTTIME_ALARM CLOCK_MONOTONIC"
    " CLOCK_MONOTONIC_COARSE CLOCK_MONOTONIC_RAW CLOCK_PROCESS_CPUTIME_ID CLOCK_REALTIME CLOCK_REALTIME_ALARM"
    " CLOCK_REALTIME_COARSE CLOCK_TAI CLOCK_THREAD_CPUTIME_ID COLL_WEIGHTS_MAX DBL_DECIMAL_DIG DBL_DIG DBL_EPSILON"
    " DBL_HAS_SUBNORM DBL_MANT_DIG DBL_MAX DBL_MAX_10_EXP DBL_MAX_EXP DBL_MIN DBL_MIN_10_EXP DBL_MIN_EXP"
    " DBL_TRUE_MIN DECIMAL_DIG DELAYTIMER_MAX EXIT_FAILURE EXIT_SUCCESS EXPR_NEST_MAX FD_SETSIZE FILENAME_MAX"
    " FLT_DECIMAL_DIG FLT_DIG FLT_EPSILON FLT_EVAL_METHOD FLT_HAS_SUBNORM FLT_MANT_DIG FLT_MAX FLT_MAX_10_EXP"
    " FLT_MAX_EXP FLT_MIN FLT_MIN_10_EXP FLT_MIN_EXP FLT_RADIX FLT_ROUNDS FLT_TRUE_MIN FOPEN_MAX HOST_NAME_MAX"
    " INT16_MAX INT16_MIN INT16_WIDTH INT32_MAX INT32_MIN INT32_WIDTH INT64_MAX INT64_MIN INT64_WIDTH INT8_MAX"
    " INT8_MIN INT8_WIDTH INTMAX_MAX INTMAX_MIN INTMAX_WIDTH INTPTR_MAX INTPTR_MIN INTPTR_WIDTH INT_FAST16_MAX"
    " INT_FAST16_MIN INT_FAST16_WIDTH INT_FAST32_MAX INT_FAST32_MIN INT_FAST32_WIDTH INT_FAST64_MAX INT_FAST64_MIN"
    " INT_FAST64_WIDTH INT_FAST8_MAX INT_FAST8_MIN INT_FAST8_WIDTH INT_LEAST16_MAX INT_LEAST16_MIN"
    " INT_LEAST16_WIDTH INT_LEAST32_MAX INT_LEAST32_MIN INT_LEAST32_WIDTH INT_LEAST64_MAX INT_LEAST64_MIN"
    " INT_LEAST64_WIDTH INT_LEAST8_MAX INT_LEAST8_MIN INT_LEAST8_WIDTH INT_MAX INT_MIN INT_WIDTH IOV_MAX"
    " LDBL_DECIMAL_DIG LDBL_DIG LDBL_EPSILON LDBL_HAS_SUBNORM LDBL_MANT_DIG LDBL_MAX LDBL_MAX_10_EXP LDBL_MAX_EXP"
    " LDBL_MIN LDBL_MIN_10_EXP LDBL_MIN_EXP LDBL_TRUE_MIN LINE_MAX LITTLE_ENDIAN LLONG_MAX LLONG_MIN LLONG_WIDTH"
    " LOGIN_NAME_MAX LONG_BIT LONG_LONG_MAX LONG_LONG_MIN LONG_MAX LONG_MIN LONG_WIDTH MAX_CANON MAX_INPUT"
    " MB_CUR_MAX MB_LEN_MAX MOD_CLKA MOD_CLKB MOD_ESTERROR MOD_FREQUENCY MOD_MAXERROR MOD_MICRO MOD_NANO"
    " MOD_OFFSET MOD_STATUS MOD_TAI MOD_TIMECONST MQ_PRIO_MAX NAME_MAX NGROUPS_MAX NL_ARGMAX NL_LANGMAX NL_MSGMAX"
    " NL_NMAX NL_SETMAX NL_TEXTMAX PATH_MAX PDP_ENDIAN PIPE_BUF PTHREAD_DESTRUCTOR_ITERATIONS PTHREAD_KEYS_MAX"
    " PTHREAD_STACK_MIN PTRDIFF_MAX PTRDIFF_MIN PTRDIFF_WIDTH RAND_MAX RENAME_EXCHANGE RENAME_NOREPLACE"
    " RENAME_WHITEOUT RE_DUP_MAX RTSIG_MAX SCHAR_MAX SCHAR_MIN SCHAR_WIDTH SEEK_CUR SEEK_DATA SEEK_END SEEK_HOLE"
    " SEEK_SET SEM_VALUE_MAX SHRT_MAX SHRT_MIN SHRT_WIDTH SIG_ATOMIC_MAX SIG_ATOMIC_MIN SIG_ATOMIC_WIDTH SIZE_MAX"
    " SIZE_WIDTH SSIZE_MAX STA_CLK STA_CLOCKERR STA_DEL STA_FLL STA_FREQHOLD STA_INS STA_MODE STA_NANO STA_PLL"
    " STA_PPSERROR STA_PPSFREQ STA_PPSJITTER STA_PPSSIGNAL STA_PPSTIME STA_PPSWANDER STA_RONLY STA_UNSYNC"
    " TIMER_ABSTIME TIME_UTC TMP_MAX TTY_NAME_MAX UCHAR_MAX UCHAR_WIDTH UINT16_MAX UINT16_WIDTH UINT32_MAX"
    " UINT32_WIDTH UINT64_MAX UINT64_WIDTH UINT8_MAX UINT8_WIDTH UINTMAX_MAX UINTMAX_WIDTH UINTPTR_MAX"
    " UINTPTR_WIDTH UINT_FAST16_MAX UINT_FAST16_WIDTH UINT_FAST32_MAX UINT_FAST32_WIDTH UINT_FAST64_MAX"
    " UINT_FAST64_WIDTH UINT_FAST8_MAX UINT_FAST8_WIDTH UINT_LEAST16_MAX UINT_LEAST16_WIDTH UINT_LEAST32_MAX"
    " UINT_LEAST32_WIDTH UINT_LEAST64_MAX UINT_LEAST64_WIDTH UINT_LEAST8_MAX UINT_LEAST8_WIDTH UINT_MAX UINT_WIDTH"
    " ULLONG_MAX ULLONG_WIDTH ULONG_LONG_MAX ULONG_MAX ULONG_WIDTH USHRT_MAX USHRT_WIDTH WCHAR_MAX WCHAR_MIN"
    " WCHAR_WIDTH WINT_MAX WINT_MIN WINT_WIDTH WORD_BIT XATTR_LIST_MAX XATTR_NAME_MAX XATTR_SIZE_MAX"
    " ";

/* Structs of the C library. */
static const char tags[] =
    " addrinfo dirent entry flock group hostent iovec itimerspec itimerval lconv linger mntent mq_attr msghdr"
    " netent option passwd pollfd protoent rlimit rusage servent sigaction sigevent sockaddr spwd stat statfs"
    " statvfs statx sysinfo termios timespec timeval timex timezone tm tms ucred utimbuf utmp utsname winsize"
    " ";

static bool has(const char *list, const char *name) {
  return strstr(list, text_format(" %s ", name)) != NULL;
}

bool names_kept_word(const char *name) {
  return has(words, name) || has(types, name) || has(macros, name);
}

bool names_kept_constant(const char *name) {
  return has(constants, name);
}

bool names_kept_tag(const char *name) {
  return has(tags, name);
}
