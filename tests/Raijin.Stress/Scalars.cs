using static TorchSharp.torch;

namespace Raijin.Stress;

/// <summary>Implicit scalars, each a native object that only the evaluation stack holds while the operation reads it.</summary>
static class Scalars
{
    public static Action Start()
    {
        var x = ones(8);
        return () =>
        {
            for (var i = 0; i < 20; i++)
            {
                // All powers of two: exact whatever the order.
                var y = ((x * 2.5f + 0.5f) / 2 - 0.25f).add(x, alpha: 0.25).clamp(-8, 8).pow(2).remainder(4.0);
                var found = y.sum().item<float>();
                const double expected = 8 * (1.5 * 1.5);
                if (found != expected)
                    throw new WrongResultException("scalars", expected, found);
            }
        };
    }
}
