namespace Raijin.Collectives;

/// <summary>Which transport a run asks for.</summary>
public enum TransportChoice : byte
{
    /// <summary>What suits where the ranks are and what they compute on.</summary>
    Auto,

    /// <summary><see cref="TransportKind.InProcess"/>: ranks as threads.</summary>
    InProcess,

    /// <summary><see cref="TransportKind.SharedMemory"/>: processes of one host.</summary>
    SharedMemory,

    /// <summary><see cref="TransportKind.Mpi"/>: processes that <c>mpirun</c> or <c>srun</c> started.</summary>
    Mpi,

    /// <summary><see cref="TransportKind.Nccl"/>: processes with a GPU each.</summary>
    Nccl,
}

/// <summary>From what is asked to what is used.</summary>
public static class TransportChoices
{
    extension(TransportChoice)
    {
        /// <summary>The transport of this process's world, and why, as it is printed.</summary>
        /// <param name="wanted">What the run asks for.</param>
        /// <param name="identity">Which rank this process is, and how many there are where.</param>
        /// <param name="ranksDriveGpus">Whether each rank computes on a GPU of its own.</param>
        /// <param name="underMpi">Whether an MPI launcher (<c>mpirun</c>, <c>srun --mpi</c>) started the ranks.</param>
        /// <exception cref="InvalidOptionsException">What is asked can't carry this world.</exception>
        public static (TransportKind Kind, string Because) Resolve(TransportChoice wanted, RankIdentity identity, bool ranksDriveGpus, bool underMpi)
        {
            var fault = Fault(wanted, identity, ranksDriveGpus, underMpi);
            if (fault is not null) throw new InvalidOptionsException([new("transport", fault)]);
            return wanted switch
            {
                TransportChoice.InProcess => (TransportKind.InProcess, "asked for"),
                TransportChoice.SharedMemory => (TransportKind.SharedMemory, "asked for"),
                TransportChoice.Mpi => (TransportKind.Mpi, "asked for"),
                TransportChoice.Nccl => (TransportKind.Nccl, "asked for"),
                _ when identity.WorldSize == 1 => (TransportKind.InProcess, "there is one rank"),
                _ when ranksDriveGpus => (TransportKind.Nccl, $"each of the {identity.WorldSize} ranks drives a GPU"),
                _ when identity.NumNodes > 1 => (TransportKind.Mpi, $"the {identity.WorldSize} ranks are on {identity.NumNodes} hosts"),
                _ => (TransportKind.SharedMemory, $"the {identity.WorldSize} ranks are processes of one host"),
            };
        }
    }

    static string? Fault(TransportChoice wanted, RankIdentity identity, bool ranksDriveGpus, bool underMpi) => wanted switch
    {
        TransportChoice.InProcess when identity.WorldSize > 1 => $"InProcess joins threads of one process, but {identity.WorldSize} processes were started: use World.Run, or another transport.",
        TransportChoice.SharedMemory when identity.NumNodes > 1 => $"SharedMemory reaches one host, but the {identity.WorldSize} ranks are on {identity.NumNodes}: use Mpi, or Nccl on GPUs.",
        TransportChoice.Mpi when !underMpi => $"Mpi needs ranks that an MPI launcher started: mpirun -np {identity.WorldSize} <program>, or srun --mpi=pmix.",
        TransportChoice.Nccl when !ranksDriveGpus => "Nccl reduces on GPUs, but the ranks compute on the CPU: choose a GPU each, or another transport.",
        TransportChoice.Auto when identity.NumNodes > 1 && !ranksDriveGpus && !underMpi =>
            $"{identity.WorldSize} ranks on {identity.NumNodes} hosts need an MPI library between them: start with mpirun -np {identity.WorldSize} --hostfile <file> <program>, or srun --mpi=pmix.",
        _ => null,
    };
}
