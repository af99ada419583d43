using Raijin.Testing;

// Tests count the process's live tensors and threads, so they run one at a time.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: NoTensorLeak]
