namespace Raijin.Collectives.Tests.Transports;

public sealed class TransportChoiceTests
{
    static RankIdentity Ranks(int perNode, int nodes) => new(0, perNode * nodes, 0, perNode, 0, nodes);

    [Theory]
    [InlineData(1, 1, false, false, TransportKind.InProcess, "there is one rank")]
    [InlineData(1, 1, true, true, TransportKind.InProcess, "there is one rank")]
    [InlineData(4, 1, false, false, TransportKind.SharedMemory, "the 4 ranks are processes of one host")]
    [InlineData(4, 1, false, true, TransportKind.SharedMemory, "the 4 ranks are processes of one host")]
    [InlineData(2, 2, false, true, TransportKind.Mpi, "the 4 ranks are on 2 hosts")]
    [InlineData(4, 1, true, false, TransportKind.Nccl, "each of the 4 ranks drives a GPU")]
    [InlineData(4, 2, true, false, TransportKind.Nccl, "each of the 8 ranks drives a GPU")]
    public void Auto_suits_where_the_ranks_are(int perNode, int nodes, bool gpus, bool underMpi, TransportKind kind, string because) =>
        Assert.Equal((kind, because), TransportChoice.Resolve(TransportChoice.Auto, Ranks(perNode, nodes), gpus, underMpi));

    [Theory]
    [InlineData(TransportChoice.InProcess, 1, 1, false, false, TransportKind.InProcess)]
    [InlineData(TransportChoice.SharedMemory, 3, 1, false, true, TransportKind.SharedMemory)]
    [InlineData(TransportChoice.Mpi, 3, 1, false, true, TransportKind.Mpi)]
    [InlineData(TransportChoice.Mpi, 1, 1, true, true, TransportKind.Mpi)]
    [InlineData(TransportChoice.Nccl, 2, 1, true, false, TransportKind.Nccl)]
    public void What_is_asked_for_is_used(TransportChoice wanted, int perNode, int nodes, bool gpus, bool underMpi, TransportKind kind) =>
        Assert.Equal((kind, "asked for"), TransportChoice.Resolve(wanted, Ranks(perNode, nodes), gpus, underMpi));

    [Theory]
    [InlineData(TransportChoice.InProcess, 2, 1, "World.Run")]
    [InlineData(TransportChoice.SharedMemory, 2, 2, "use Mpi")]
    [InlineData(TransportChoice.Mpi, 2, 1, "mpirun -np 2")]
    [InlineData(TransportChoice.Nccl, 2, 1, "choose a GPU each")]
    [InlineData(TransportChoice.Auto, 2, 2, "mpirun -np 4 --hostfile")]
    public void What_cannot_carry_the_world_is_refused_with_its_remedy(TransportChoice wanted, int perNode, int nodes, string remedy)
    {
        var error = Assert.Throws<InvalidOptionsException>(() => TransportChoice.Resolve(wanted, Ranks(perNode, nodes), ranksDriveGpus: false, underMpi: false));
        Assert.Contains(remedy, Assert.Single(error.Faults).Message, StringComparison.Ordinal);
    }
}
