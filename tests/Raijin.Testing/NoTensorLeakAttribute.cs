using System.Reflection;
using Xunit;
using Xunit.v3;

namespace Raijin.Testing;

/// <summary>
/// Fails a test that leaves tensors alive. Put on the assembly, with test parallelisation off: the count is the whole process's.
/// </summary>
/// <remarks>No collection is forced: a handle that waits for its finalizer is native memory nobody freed, which is what this looks for.</remarks>
[AttributeUsage(AttributeTargets.Assembly | AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NoTensorLeakAttribute : BeforeAfterTestAttribute
{
    long _before;

    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => _before = TensorLedger.Read().LiveTensors;

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        var after = TensorLedger.Read().LiveTensors;
        Assert.True(after <= _before, $"{after - _before} tensors made by the test are still alive ({_before} before, {after} after).");
    }
}
