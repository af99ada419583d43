using static TorchSharp.torch;

namespace Raijin.Stress;

/// <summary>A perceptron under AdamW. The learning rate, weight decay and betas all become temporary scalars in each step.</summary>
static class Training
{
    public static Action Start(bool scoped)
    {
        var network = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 10));
        var optimizer = optim.AdamW(network.parameters(), lr: 1e-3, weight_decay: 0.1);
        var input = arange(16 * 32, float32).reshape(16, 32) / 512f;
        var labels = arange(16, int64) % 10;
        return () =>
        {
            for (var i = 0; i < 2; i++)
            {
                using var scope = scoped ? NewDisposeScope() : null;
                optimizer.zero_grad();
                var loss = nn.functional.cross_entropy(network.forward(input), labels);
                loss.backward();
                nn.utils.clip_grad_norm_(network.parameters(), 1.0);
                optimizer.step();
                var value = loss.item<float>();
                if (!float.IsFinite(value) || value > 5)
                    throw new WrongResultException("training", 2.3, value);
            }
        };
    }
}
