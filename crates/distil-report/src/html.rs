//! Pages from templates.

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

/// The page that the first of `templates` (name and text) makes of `context`; it may include the others and `head.html`,
/// which takes `title` and `style`. The templates are part of this crate, so faults in them are bugs.
pub(crate) fn render(templates: &[(&'static str, &'static str)], context: impl Serialize) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    for &(name, text) in templates.iter().chain(&[("head.html", include_str!("head.html"))]) {
        environment.add_template(name, text).expect("the template is well-formed");
    }
    let template = environment.get_template(templates[0].0).expect("it was added");
    template.render(context).expect("the template names only what a page has")
}
