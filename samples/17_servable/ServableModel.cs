using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

/// <summary>A trained module that answers questions: a checkpoint's weights, in evaluation mode, without gradients. Safe for several threads.</summary>
sealed class ServableModel<TModule> : IDisposable where TModule : Module
{
    readonly TModule _module;
    readonly SemaphoreSlim _turn = new(1);

    /// <summary>Brings a checkpoint's weights into a module.</summary>
    /// <param name="module">Of the kind that was trained; owned from here on.</param>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <exception cref="CheckpointException">It is missing or damaged, or does not fit the module.</exception>
    public ServableModel(TModule module, string checkpoint)
    {
        _module = module;
        Trainer.LoadWeights(module, checkpoint);
        module.eval();
    }

    /// <summary>Asks the module. One question is worked on at a time, with all cores; whose asker leaves while it waits, that question is not worked on.</summary>
    /// <param name="question">Tensors it makes are freed afterwards.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<TAnswer> AskAsync<TAnswer>(Func<TModule, TAnswer> question, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return Answer(question);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _module.Dispose();
        _turn.Dispose();
    }

    // Inference mode belongs to a thread, so nothing may be awaited in it.
    TAnswer Answer<TAnswer>(Func<TModule, TAnswer> question)
    {
        using var mode = inference_mode();
        using var scope = TensorScope.Open();
        return question(_module);
    }
}
