/* tests/token/keys.h: the keys of RFC 7515 A.1 to A.3 and of RFC 8037 A.1, and some that are refused. */
#ifndef STOA_TESTS_TOKEN_KEYS_H
#define STOA_TESTS_TOKEN_KEYS_H

#define RFC_SECRET_BASE64URL "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define RFC_EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define RFC_EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RFC_ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

#define RFC_RSA_PRIVATE                                                \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n" \
  "jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n" \
  "aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n" \
  "juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n" \
  "ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n" \
  "toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n" \
  "VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n" \
  "PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n" \
  "O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n" \
  "kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n" \
  "XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n" \
  "4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n" \
  "pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n" \
  "0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n" \
  "lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n" \
  "kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n" \
  "rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n" \
  "kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n" \
  "5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n" \
  "9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n" \
  "evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n" \
  "yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n" \
  "OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n" \
  "tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n" \
  "ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n" \
  "03k2+ZQwVK0JKSHuLFkuQ3U=\n"                                         \
  "-----END PRIVATE KEY-----\n"

#define RFC_RSA_PUBLIC                                                 \
  "-----BEGIN PUBLIC KEY-----\n"                                       \
  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n" \
  "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n" \
  "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n" \
  "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n" \
  "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n" \
  "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n" \
  "oQIDAQAB\n"                                                         \
  "-----END PUBLIC KEY-----\n"

#define RFC_EC_PRIVATE                                                 \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n" \
  "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n" \
  "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"         \
  "-----END PRIVATE KEY-----\n"

#define RFC_EC_PUBLIC                                                  \
  "-----BEGIN PUBLIC KEY-----\n"                                       \
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n" \
  "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"     \
  "-----END PUBLIC KEY-----\n"

#define RFC_ED_PRIVATE                                                 \
  "-----BEGIN PRIVATE KEY-----\n"                                      \
  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n" \
  "-----END PRIVATE KEY-----\n"

#define RFC_ED_PUBLIC                                              \
  "-----BEGIN PUBLIC KEY-----\n"                                   \
  "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" \
  "-----END PUBLIC KEY-----\n"

#define RSA_1024_PUBLIC                                                \
  "-----BEGIN PUBLIC KEY-----\n"                                       \
  "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDFZkNMr/BiN/9ahYgtP2tACr/n\n" \
  "h2HTC/y+3k94PFTO5iRhol3bZhObULfP0OblMfQjyKM0XuWAJtHatRhi2nczVHv4\n" \
  "7SdFhpMWnCMz8x6GMVh1iCRvWCy5go/tR5HXxSDPIqMNhh1W7tLY+rux+1nmboZy\n" \
  "eV6CIB+HKJwpjvoBiwIDAQAB\n"                                         \
  "-----END PUBLIC KEY-----\n"

#define P384_PUBLIC                                                    \
  "-----BEGIN PUBLIC KEY-----\n"                                       \
  "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEgM9vVI4gTWexM1OhWnvdDVooLSSOvjuf\n" \
  "ztpRyi1TZONXYtHXNtiozwCv8X062pI5nvphnXNmOjInh+r1F3l6eh5YFEw4XzOd\n" \
  "7lyykmO/A538AUP1KSuKRFLBqJtNSJrp\n"                                 \
  "-----END PUBLIC KEY-----\n"

#define ED448_PUBLIC                                                   \
  "-----BEGIN PUBLIC KEY-----\n"                                       \
  "MEMwBQYDK2VxAzoAmw+/O7cVRVfYiUtNp8b3qmg5jAVwyZgP0WN6RQx+MbMsm6MA\n" \
  "rusXuMrad68N7YPb6dcpyGpP0dqA\n"                                     \
  "-----END PUBLIC KEY-----\n"

#define ENCRYPTED_PRIVATE                                              \
  "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                            \
  "MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBCLUB/BiYan8VSdMEYd\n" \
  "IRUeAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQXX+JvVXlfL3+1Siz\n" \
  "xbDBMgRAzJfRsTMibDDDVqm3hEfMDVX0+vYbgRn/LhqJoniuB7I5ke1ozaKKjBfT\n" \
  "4KqEHbECySBz9Va/O2xdsF3g/5SlCA==\n"                                 \
  "-----END ENCRYPTED PRIVATE KEY-----\n"

#define RFC_RSA_N                                                                                                  \
  "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-" \
  "pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"                \
  "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"                    \
  "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"

#endif
