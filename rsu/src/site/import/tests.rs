//! Road models of other origin, as sites.
