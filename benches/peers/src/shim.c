/* Three doors into the code that asn1c makes: decode, encode, free. */
#include <MessageFrame.h>

int peer_decode(const unsigned char *octets, unsigned long length, void **message)
{
    asn_dec_rval_t done = uper_decode_complete(0, &asn_DEF_MessageFrame, message, octets, length);
    return done.code == RC_OK ? 0 : -1;
}

long peer_encode(void *message, unsigned char *octets, unsigned long size)
{
    asn_enc_rval_t done = uper_encode_to_buffer(&asn_DEF_MessageFrame, message, octets, size);
    return done.encoded < 0 ? -1 : (done.encoded + 7) / 8;
}

void peer_free(void *message)
{
    ASN_STRUCT_FREE(asn_DEF_MessageFrame, message);
}
