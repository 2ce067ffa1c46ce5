/* base/uninitialized.h: a local variable that is not zeroed.
 *
 * The release build zeroes local variables, so that a mistake shows no old memory. For a large one that is used in part
 * the zeros cost more than the use. It is marked where a length says which part is valid.
 */
#ifndef STOA_BASE_UNINITIALIZED_H
#define STOA_BASE_UNINITIALIZED_H

#define STOA_UNINITIALIZED __attribute__((uninitialized))

#endif
