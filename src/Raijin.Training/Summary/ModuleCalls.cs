using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training;

/// <summary>What a module was called with and gave, as far as it is tensors; borrowed, alive during the callback.</summary>
readonly record struct ModuleCall(Tensor Input, Tensor? Second, Tensor? Third, Tensor? Output);

/// <summary>
/// Hooks on the calls of modules, whatever their signature: one to three tensors to a tensor, recurrent layers, attention. Modules called through <c>call</c> are seen, those
/// whose <c>forward</c> is called directly, and those of other signatures, are not.
/// </summary>
sealed class ModuleCalls : IDisposable
{
    readonly List<Action> _removals = [];
    readonly Action<Module>? _entered;
    readonly Action<Module, ModuleCall> _left;

    ModuleCalls(Action<Module>? entered, Action<Module, ModuleCall> left)
    {
        _entered = entered;
        _left = left;
    }

    /// <summary>Hooks onto every module below a model, not onto itself.</summary>
    /// <param name="model">The model.</param>
    /// <param name="entered">Called before a module runs; null for none.</param>
    /// <param name="left">Called after it ran. Not called when it throws.</param>
    public static ModuleCalls Watch(Module model, Action<Module>? entered, Action<Module, ModuleCall> left)
    {
        var calls = new ModuleCalls(entered, left);
        foreach (var module in model.named_modules().Select(m => m.module).Distinct(ReferenceEqualityComparer.Instance).Cast<Module>())
            if (!ReferenceEquals(module, model)) calls.Hook(module);
        return calls;
    }

    /// <summary>Takes the hooks off.</summary>
    public void Dispose()
    {
        foreach (var remove in _removals) remove();
        _removals.Clear();
    }

    void Hook(Module module)
    {
        switch (module)
        {
            case Module<Tensor, Tensor> m:
                Keep(m.register_forward_hook((_, input, output) => Left(m, new(input, null, null, output), output)));
                if (_entered is not null) Keep(m.register_forward_pre_hook((_, input) => Entered(m, input)));
                break;
            case Module<Tensor, Tensor, Tensor> m:
                Keep(m.register_forward_hook((_, first, second, output) => Left(m, new(first, second, null, output), output)));
                if (_entered is not null) Keep(m.register_forward_pre_hook((_, first, second) => Entered(m, (first, second))));
                break;
            case Module<Tensor, Tensor, Tensor, Tensor> m:
                Keep(m.register_forward_hook((_, first, second, third, output) => Left(m, new(first, second, third, output), output)));
                if (_entered is not null) Keep(m.register_forward_pre_hook((_, first, second, third) => Entered(m, (first, second, third))));
                break;
            case LSTM m:
                Keep(m.register_forward_hook((_, input, _, output) => Left(m, new(input, null, null, output.Item1), output)));
                if (_entered is not null) Keep(m.register_forward_pre_hook((_, input, state) => Entered(m, (input, state))));
                break;
            case Module<Tensor, Tensor, (Tensor, Tensor)> m:
                Keep(m.register_forward_hook((_, input, second, output) => Left(m, new(input, second, null, output.Item1), output)));
                if (_entered is not null) Keep(m.register_forward_pre_hook((_, input, second) => Entered(m, (input, second))));
                break;
            case MultiheadAttention m:
                Keep(m.register_forward_hook((_, query, key, value, _, _, _, output) => Left(m, new(query, key, value, output.Item1), output)));
                if (_entered is not null) Keep(m.register_forward_pre_hook((_, query, key, value, padding, weights, mask) => Entered(m, (query, key, value, padding, weights, mask))));
                break;
        }

        void Keep<TPre, TPost>(HookableModule<TPre, TPost>.HookRemover remover) where TPre : Delegate where TPost : Delegate => _removals.Add(remover.remove);
    }

    T Left<T>(Module module, ModuleCall call, T result)
    {
        _left(module, call);
        return result;
    }

    T Entered<T>(Module module, T arguments)
    {
        _entered!(module);
        return arguments;
    }
}
