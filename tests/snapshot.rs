//! Where snapshots are: in `snapshots/`, one folder for each area.

use std::path::Path;

/// Runs `assertion` with snapshots in `snapshots/<area>/`, named as the assertion names them.
pub(crate) fn within(area: &str, assertion: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("snapshots")
            .join(area),
    );
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(assertion);
}
