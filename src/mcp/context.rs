//! A request of a client.

use rmcp::RoleServer;
use rmcp::model::ProtocolVersion;
use rmcp::service::RequestContext;

/// Who has sent it, and what came with it.
pub(super) type Context = RequestContext<RoleServer>;

/// Whether each request stands for itself, as from 2026-07-28 on.
pub(super) fn is_stateless(context: &Context) -> bool {
    let stateless = ProtocolVersion::V_2026_07_28;
    let version = context.protocol_version();
    version.is_some_and(|version| version.as_str() >= stateless.as_str())
}
