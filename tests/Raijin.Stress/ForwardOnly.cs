using static TorchSharp.torch;

namespace Raijin.Stress;

/// <summary>Inference: a network, no gradients, no scopes; every intermediate is a temporary.</summary>
static class ForwardOnly
{
    public static Action Start()
    {
        var network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.Tanh(), nn.Linear(64, 10));
        var input = arange(32 * 64, float32).reshape(32, 64) / 2048f;
        double expected;
        using (no_grad())
            expected = network.forward(input).softmax(1).max().item<float>();
        return () =>
        {
            using (no_grad())
            {
                for (var i = 0; i < 5; i++)
                {
                    double found = network.forward(input).softmax(1).max().item<float>();
                    if (found != expected)
                        throw new WrongResultException("forward", expected, found);
                }
            }
        };
    }
}
