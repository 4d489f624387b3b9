//! PrivateLink on a laptop: an in-memory [`world`] of endpoint services, and EC2's own wire protocol over it.
//!
//! It knows how AWS behaves and nothing of what the warden should answer.

#[cfg(feature = "server")]
pub mod server;
pub mod world;
