/* count.h: how many items there are in a true array. */
#ifndef PLUGIN_COUNT_H
#define PLUGIN_COUNT_H

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#endif
