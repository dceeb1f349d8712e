//! Requests without a body.

/// Declares a request whose body is empty; anything in it is `EINVAL`.
macro_rules! empty_request {
    ($(#[$doc:meta])* $name:ident = $command:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $name;

        impl $crate::Wire for $name {
            fn encode(&self, _: &mut Vec<u8>) {}
            fn decode(_: &mut $crate::Reader<'_>) -> Result<Self, $crate::WireError> {
                Ok(Self)
            }
        }

        impl $crate::Request for $name {
            const COMMAND: $crate::Command = $crate::Command::$command;
        }
    };
}
