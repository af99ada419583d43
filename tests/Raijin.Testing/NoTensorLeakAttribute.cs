using System.Reflection;
using Xunit;
using Xunit.v3;

namespace Raijin.Testing;

/// <summary>
/// Fails a test that leaves tensors alive. Put on the assembly, with test parallelisation off: the count is the whole process's.
/// </summary>
/// <remarks>
/// No collection is forced: a handle that waits for its finalizer is native memory nobody freed, which is what this looks for. TorchSharp's count of
/// the process gains one with every Parameter made (its constructor takes the handle of a tensor that is never counted out), and its count of the
/// thread misses what other threads did: a leak is what both show.
/// </remarks>
[AttributeUsage(AttributeTargets.Assembly | AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NoTensorLeakAttribute : BeforeAfterTestAttribute
{
    TensorLedger _before;

    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => _before = TensorLedger.Read();

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        var after = TensorLedger.Read();
        var leaked = Math.Min(after.LiveTensors - _before.LiveTensors, after.ThreadTensors - _before.ThreadTensors);
        Assert.True(leaked <= 0, $"{leaked} tensors made by the test are still alive.");
    }
}
