/// A function whose body is compiled for every instruction set that `pulp` knows, and run with the widest of this CPU.
///
/// Whatever the body calls must be `#[inline(always)]`. A closure given to `Arch::dispatch` would not do: the shim that
/// calls it is a separate function, without the wide instructions.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$life:lifetime>($($arg:ident: $kind:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name<$life>($($arg: $kind),*) {
            struct Call<$life> {
                $($arg: $kind),*
            }
            impl<$life> pulp::WithSimd for Call<$life> {
                type Output = ();

                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _simd: S) {
                    let Self { $($arg),* } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Call { $($arg),* });
        }
    };
}

pub(crate) use vectorised;
