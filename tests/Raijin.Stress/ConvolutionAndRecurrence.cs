using static TorchSharp.torch;

namespace Raijin.Stress;

/// <summary>Modules that pass lists, tuples and optional tensors: convolution, normalisation, pooling, LSTM, embedding.</summary>
static class ConvolutionAndRecurrence
{
    public static Action Start()
    {
        var image = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 8));
        var memory = nn.LSTM(8, 8, numLayers: 2, batchFirst: true);
        var table = nn.Embedding(16, 8);
        var images = arange(4 * 64, float32).reshape(4, 1, 8, 8) / 256f;
        var tokens = arange(4 * 5, int64).reshape(4, 5) % 16;
        var parameters = image.parameters().Concat(memory.parameters()).Concat(table.parameters()).ToList();
        var optimizer = optim.SGD(parameters, learningRate: 0.01, momentum: 0.9);
        return () =>
        {
            optimizer.zero_grad();
            var seen = image.forward(images);                                        // [4, 8]
            var (states, _, _) = memory.forward(table.forward(tokens));              // [4, 5, 8]
            var loss = (states.select(1, -1) - seen).pow(2).mean();
            loss.backward();
            optimizer.step();
            var value = loss.item<float>();
            if (!float.IsFinite(value))
                throw new WrongResultException("convolution and recurrence", 1, value);
        };
    }
}
