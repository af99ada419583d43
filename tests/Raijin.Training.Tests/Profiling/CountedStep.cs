using Raijin.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Profiling;

/// <summary>A function as a module; what it calls are its children.</summary>
sealed class FunctionModule : Module<Tensor, Tensor>
{
    readonly Func<Tensor, Tensor> _function;

    public FunctionModule(Func<Tensor, Tensor> function, params Module[] children) : base("FunctionModule")
    {
        _function = function;
        foreach (var (index, child) in children.Index()) register_module($"child{index}", child);
    }

    public override Tensor forward(Tensor input) => _function(input);
}

/// <summary>One profiled step in a loop of one's own: forward, sum, backward. What is counted of the module named <c>op</c> is what was in it, without the sum.</summary>
static class CountedStep
{
    /// <summary>Counts a module on an input; the input's gradient is wanted or not.</summary>
    public static ModuleCost Of(Func<Module<Tensor, Tensor>> make, bool wantsInputGradient, params long[] input)
    {
        using var scope = NewDisposeScope();
        return Of(() => make(), rand(input, requires_grad: wantsInputGradient));
    }

    /// <summary>Counts a function of an input.</summary>
    public static ModuleCost Of(Func<Tensor, Tensor> function, bool wantsInputGradient, params long[] input) => Of(() => new FunctionModule(function), wantsInputGradient, input);

    /// <summary>Counts a module on a given input.</summary>
    public static ModuleCost Of(Func<Module<Tensor, Tensor>> make, Tensor input) => Report(() => Sequential(("op", make())), input).Modules.Single(m => m.Name == "op");

    /// <summary>The whole report of a model.</summary>
    public static FlopsReport Report(Func<Module<Tensor, Tensor>> make, Tensor input, bool seesOps = true)
    {
        Assert.SkipWhen(seesOps && OpRecorder.Unavailable is not null, OpRecorder.Unavailable ?? "");
        using var scope = NewDisposeScope();
        var model = make();
        var profiler = new FlopsProfiler { Step = 0, SeesOps = seesOps };
        using (var session = profiler.Start(new ProfileTarget { Model = model }))
        {
            session.StepStart(0);
            session.Mark(ProfilePhase.Forward);
            var loss = model.call(input).sum();
            session.Mark(ProfilePhase.Backward);
            if (loss.requires_grad) loss.backward();
            session.Mark(ProfilePhase.Optimizer);
            session.Mark(ProfilePhase.Loop);
            session.StepEnd();
        }
        foreach (var parameter in model.parameters())
        {
            parameter.grad?.Dispose();
            parameter.Dispose();
        }
        foreach (var buffer in model.buffers()) buffer.Dispose();
        input.grad?.Dispose();
        return profiler.Report!;
    }
}
