using TorchSharp.Modules;
using Module = TorchSharp.torch.nn.Module;

namespace Raijin.Parallel;

/// <summary>
/// Modules that libtorch computes by itself, with parameters that it holds: a wrapper's box can be given another tensor, but the module goes on with its own. Where those have memory it comes and goes under them, and nothing
/// is lost; on the meta device they can never have any.
/// </summary>
static class NativeModules
{
    /// <summary>Refuses a model with parameters on the meta device that are libtorch's own.</summary>
    /// <exception cref="NotSupportedException">Names each module, and its kind.</exception>
    public static void ThrowIfMeta(Module model)
    {
        var refused = model.named_modules().Where(m => m.name.Length > 0).Select(m => (Name: $"'{m.name}'", Module: m.module)).Prepend((Name: "the model", Module: model))
            .Where(m => IsNative(m.Module) && m.Module.parameters().Any(p => p.device_type == TorchSharp.DeviceType.META))
            .Select(m => $"{m.Name} ({m.Module.GetType().Name})").ToList();
        if (refused.Count == 0) return;
        throw new NotSupportedException(
            $"{string.Join(", ", refused)}: libtorch holds the parameters of such modules itself, and on the meta device they can't be given values. Build them on the host (device: CPU) and the rest on the meta device, or build them of "
            + "modules that hold their own, such as Linear, or a Parameter and functional.embedding.");
    }

    /// <summary>Whether libtorch computes several steps in it.</summary>
    public static bool IsComposite(Module module) => module
        is RNN or GRU or LSTM or RNNCell or GRUCell or LSTMCell
        or MultiheadAttention or Transformer or TransformerEncoder or TransformerEncoderLayer or TransformerDecoder or TransformerDecoderLayer;

    static bool IsNative(Module module) => module is Embedding or EmbeddingBag || IsComposite(module);
}
