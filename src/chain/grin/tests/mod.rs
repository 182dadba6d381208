mod follower;
mod index;
mod node;
mod server;
mod snapshot;
mod speed;
mod world;
