//! The simulated ports of a host under the suites that every implementation passes, the appliance's too.

mod files;
mod sealer;
mod store;
