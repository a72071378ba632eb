//! Macros that declare settings once, both as a table for checks and help and as types.

/// Declares the settings of a family: a struct, and `TABLE` with a [`Setting`] for each field.
///
/// A field is written `key: Type = default, kind, "help";`. The help text is also the field's
/// documentation. Defaults are written as in [`serde_json::json!`]. With `key (default): …` a
/// resolved spec leaves the setting out while it has its default, which is that of the type:
/// trials from before there was the setting keep their ids.
///
/// [`Setting`]: crate::Setting
#[macro_export]
macro_rules! settings {
    (
        $(#[$about:meta])*
        $visible:vis struct $name:ident {
            $($key:ident $(($omitted:ident))?: $type:ty = $default:tt, $kind:expr, $help:expr;)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, ::serde::Deserialize)]
        $visible struct $name {
            $(#[doc = $help] $(#[serde($omitted)])? $visible $key: $type,)*
        }

        impl $name {
            /// The settings as a table, in the order people should read them.
            $visible const TABLE: &'static [$crate::Setting] = &[
                $($crate::Setting {
                    key: ::core::stringify!($key),
                    kind: $kind,
                    default: || ::serde_json::json!($default),
                    help: $help,
                    omitted: {
                        let marks: &[&str] = &[$(::core::stringify!($omitted))?];
                        !marks.is_empty()
                    },
                },)*
            ];
        }
    };
}

/// Declares an enum whose variants are the words of a setting, and its `KIND` with all of
/// them.
#[macro_export]
macro_rules! choices {
    (
        $(#[$about:meta])*
        $visible:vis enum $name:ident {
            $($(#[$each:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ::serde::Deserialize)]
        $visible enum $name {
            $($(#[$each])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// The words that name its variants.
            $visible const KIND: $crate::SettingKind = $crate::SettingKind::Choice(&[$($word),*]);
        }
    };
}
