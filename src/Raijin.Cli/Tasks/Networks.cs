using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Cli;

/// <summary>The networks of the built-in tasks.</summary>
static class Networks
{
    /// <summary>A multilayer perceptron: [B, …] flattened to [B, inputs], then hidden layers with ReLU, then [B, outputs].</summary>
    /// <param name="inputs">Numbers in one sample.</param>
    /// <param name="hidden">Units of each hidden layer.</param>
    /// <param name="layers">Hidden layers.</param>
    /// <param name="dropout">Share of hidden units dropped in training; 0 for none.</param>
    /// <param name="outputs">Numbers that come out.</param>
    public static Module<Tensor, Tensor> Perceptron(int inputs, int hidden, int layers, double dropout, int outputs)
    {
        var parts = new List<(string, Module<Tensor, Tensor>)> { ("flatten", Flatten()) };
        var width = inputs;
        for (var layer = 1; layer <= layers; layer++)
        {
            parts.Add(($"hidden{layer}", Linear(width, hidden)));
            parts.Add(($"relu{layer}", ReLU()));
            if (dropout > 0) parts.Add(($"dropout{layer}", Dropout(dropout)));
            width = hidden;
        }
        parts.Add(("output", Linear(width, outputs)));
        return Sequential(parts);
    }

    /// <summary>Two convolutions with pooling for 28 × 28 images, [B, 1, 28, 28] to [B, outputs].</summary>
    /// <param name="hidden">Units of the layer after the convolutions.</param>
    /// <param name="dropout">Share of those dropped in training; 0 for none.</param>
    /// <param name="outputs">Numbers that come out.</param>
    public static Module<Tensor, Tensor> Convolutions(int hidden, double dropout, int outputs)
    {
        var parts = new List<(string, Module<Tensor, Tensor>)>
        {
            ("conv1", Conv2d(1, 16, 3, padding: 1)), ("relu1", ReLU()), ("pool1", MaxPool2d(2)), // [B, 16, 14, 14]
            ("conv2", Conv2d(16, 32, 3, padding: 1)), ("relu2", ReLU()), ("pool2", MaxPool2d(2)), // [B, 32, 7, 7]
            ("flatten", Flatten()), ("hidden", Linear(32 * 7 * 7, hidden)), ("relu3", ReLU()),
        };
        if (dropout > 0) parts.Add(("dropout", Dropout(dropout)));
        parts.Add(("output", Linear(hidden, outputs)));
        return Sequential(parts);
    }
}
