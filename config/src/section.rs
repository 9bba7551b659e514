//! `section!`: a section's struct, its defaults, and the comments that the written file carries, from one
//! text each, so that none can be forgotten.

/// One key of a section.
pub(crate) struct Field {
    pub(crate) comment: &'static str,
    pub(crate) name: &'static str,
    pub(crate) value: toml::Value,
}

macro_rules! section {
    ($about:literal $section:ident {
        $($comment:literal $field:ident: $type:ty = $default:expr;)+
    }) => {
        #[doc = $about]
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $section {
            $(#[doc = $comment] pub $field: $type,)+
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $section {
            const ABOUT: &'static str = $about;

            fn fields(&self) -> Vec<Field> {
                vec![$(Field {
                    comment: $comment,
                    name: stringify!($field),
                    value: toml::Value::try_from(&self.$field).expect("a key's value has a form in TOML"),
                },)+]
            }
        }
    };
}

pub(crate) use section;
