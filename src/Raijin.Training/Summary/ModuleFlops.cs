// Multiply-adds of one forward pass, the terms of order n alone (biases, activations and norms are not counted), each worth two FLOPs:
//   Linear            out elements × in features
//   Conv              out elements × in channels / groups × kernel
//   ConvTranspose     in elements × out channels / groups × kernel
//   LSTM, GRU, RNN    tokens × elements of all weight matrices
//   MultiheadAttention, B batch, T queries, S keys, E width, K and V the widths of keys and values
//                     2·B·T·E² (queries, output) + B·S·(K + V)·E (keys, values) + 2·B·T·S·E (scores, mixing)

using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>What a module of a known kind computes in a call, by its kind and the shapes.</summary>
static class ModuleFlops
{
    /// <summary>FLOPs of the call; null for a module of no known kind.</summary>
    public static long? Of(Module module, in ModuleCall call) => module switch
    {
        TorchSharp.Modules.Linear linear => 2 * call.Output!.numel() * linear.in_features,
        // The weight is [in, out / groups, kernel…] here and [out, in / groups, kernel…] below.
        ConvolutionTranspose conv => 2 * call.Input.numel() * (conv.weight.numel() / conv.in_channels),
        Convolution conv => 2 * call.Output!.numel() * (conv.weight.numel() / conv.out_channels),
        TorchSharp.Modules.Embedding => 0,
        TorchSharp.Modules.LSTM or TorchSharp.Modules.GRU or TorchSharp.Modules.RNN => Recurrent(module, call.Input),
        TorchSharp.Modules.MultiheadAttention => Attention(call.Input, call.Second!, call.Third!),
        _ => null,
    };

    /// <summary>Each token meets every weight matrix once, whatever the gates, layers and directions.</summary>
    static long Recurrent(Module module, Tensor input)
    {
        var tokens = input.numel() / input.shape[^1];
        return 2 * tokens * module.parameters().Where(p => p.dim() == 2).Sum(p => p.numel());
    }

    static long Attention(Tensor query, Tensor key, Tensor value)
    {
        // Query [T, B, E], key [S, B, K], value [S, B, V]; B is absent where there is no batch.
        var width = query.shape[^1];
        var queries = query.numel() / width;
        var projections = 2 * queries * width * width + (key.numel() + value.numel()) * width;
        return 2 * (projections + 2 * queries * key.shape[0] * width);
    }
}
