//! Below the message: the DSMP header and the AID table (YD/T 3707-2020).
