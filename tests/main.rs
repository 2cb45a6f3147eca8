//! One integration binary; each module covers one part of the product.
