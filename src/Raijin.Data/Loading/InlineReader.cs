using System.Diagnostics.CodeAnalysis;

namespace Raijin.Data;

/// <summary>Makes each batch on the thread that asks for it.</summary>
sealed class InlineReader<TBatch>(BatchSource<TBatch> source, CancellationToken cancellationToken) : BatchReader<TBatch>
    where TBatch : IBatch<TBatch>
{
    DataLoaderException? _failure;
    bool _disposed;

    protected override bool TryRead([NotNullWhen(true)] out TBatch? batch)
    {
        batch = default;
        if (_failure is not null) throw _failure;
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            using var scope = TensorScope.Open();
            if (_disposed || source.Next(cancellationToken) is not { } work) return false;
            batch = work.Run(scope.Keep, cancellationToken);
            return true;
        }
        catch (DataLoaderException failure)
        {
            _failure = failure;
            throw;
        }
    }

    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        source.Dispose();
    }
}
