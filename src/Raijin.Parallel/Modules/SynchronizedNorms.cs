// x [B, C, ...], n values a channel on this rank, N = Σ n over ranks.
//   mean = Σ x / N        one all-reduce of C + 1 numbers
//   var  = Σ (x - mean)² / N    a second of C, so that nothing cancels
// Backward: the adjoint of a sum over ranks is a sum over ranks, one all-reduce for each of the two.

using Raijin.Collectives;
using Raijin.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Raijin.Parallel;

/// <summary>
/// Batch norms whose statistics are those of all ranks' samples: every <c>BatchNorm1d/2d/3d</c> of a module, by hooks on its calls, while it trains. The module stays as it is, and evaluates by itself.
/// </summary>
/// <remarks>The layer's own pass is discarded (one pass over the input). Ranks may have different numbers of samples, also none.</remarks>
sealed class SynchronizedNorms : IDisposable
{
    readonly Group _group;
    readonly List<Action> _remove = [];

    /// <param name="module">The module whose batch norms are synchronized.</param>
    /// <param name="group">Whose samples they are over. Its calls stand in the order of the graph, so nothing else may use it.</param>
    public SynchronizedNorms(nn.Module module, Group group)
    {
        _group = group;
        foreach (var norm in module.modules().OfType<BatchNorm>())
        {
            var training = false;
            var pre = norm.register_forward_pre_hook((m, x) =>
            {
                training = m.training;
                // Its own statistics are not wanted, in the output or in the running ones.
                if (training && norm.track_running_stats) m.eval();
                return x;
            });
            var post = norm.register_forward_hook((m, x, own) =>
            {
                if (!training) return own;
                m.train();
                return Normalize(norm, x);
            });
            _remove.Add(pre.remove);
            _remove.Add(post.remove);
        }
    }

    Tensor Normalize(NormBase norm, Tensor x)
    {
        using var scope = NewDisposeScope();
        var wide = x.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? x.to(ScalarType.Float32) : x;
        var dims = Enumerable.Range(0, (int)x.dim()).Where(d => d != 1).Select(d => (long)d).ToArray();
        var channels = x.shape[1];
        var shape = x.shape.Select((_, d) => d == 1 ? channels : 1L).ToArray();
        var count = full(1, x.numel() / Math.Max(channels, 1), wide.dtype, x.device);
        var sums = SumOverRanks.Apply(cat([wide.sum(dims), count]), _group);
        var total = sums.narrow(0, channels, 1).detach();
        var mean = sums.narrow(0, 0, channels) / total;
        var centred = wide - mean.view(shape);
        var variance = SumOverRanks.Apply((centred * centred).sum(dims), _group) / total;
        var y = centred * (variance + norm.eps).rsqrt().view(shape);
        if (norm.weight is { } weight) y = (y * weight.view(shape)) + norm.bias!.view(shape);
        using (no_grad()) Track(norm, mean, variance * total / (total - 1).clamp_min(1));
        return y.to(x.dtype).MoveToOuterDisposeScope();
    }

    // As torch.nn.BatchNorm does: the unbiased variance, and a plain average where no momentum is given.
    static void Track(NormBase norm, Tensor mean, Tensor variance)
    {
        if (!norm.track_running_stats || norm.running_mean is null) return;
        norm.num_batches_tracked!.add_(1);
        var momentum = norm.momentum ?? 1.0 / norm.num_batches_tracked.to(ScalarType.Float64).item<double>();
        norm.running_mean.lerp_(mean.detach().to(norm.running_mean.dtype), momentum);
        norm.running_var!.lerp_(variance.detach().to(norm.running_var.dtype), momentum);
    }

    public void Dispose()
    {
        foreach (var remove in _remove) remove();
    }

    /// <summary>Σ over ranks, whose gradient is the Σ over ranks of gradients.</summary>
    sealed class SumOverRanks : CustomFunction<SumOverRanks>
    {
        protected override Tensor Evaluate(autograd.AutogradContext context, object[] inputs)
        {
            var group = (Group)inputs[1];
            context.save_data("group", group);
            var sum = ((Tensor)inputs[0]).clone();
            group.AllReduce(sum);
            return sum;
        }

        protected override IReadOnlyList<Tensor?> Differentiate(autograd.AutogradContext context, Tensor gradient)
        {
            var sum = gradient.contiguous().clone();
            ((Group)context.get_data("group")).AllReduce(sum);
            return [sum, null];
        }
    }
}
