namespace Raijin.Collectives.Tests.Launch;

public sealed class ClusterEnvironmentTests
{
    static ClusterEnvironment Detect(string variables) => ClusterEnvironment.Detect(variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=', 2)).ToDictionary(v => v[0], v => v[1]));

    static IReadOnlyList<OptionFault> Faults(string variables) => Assert.Throws<InvalidOptionsException>(() => Detect(variables)).Faults;

    const string Local = "RAIJIN_RANK=1 RAIJIN_WORLD_SIZE=3 RAIJIN_JOB=abc-0";
    const string Torchrun = "RANK=5 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=4 GROUP_RANK=1 GROUP_WORLD_SIZE=2 MASTER_ADDR=node-0 MASTER_PORT=29500 TORCHELASTIC_RUN_ID=none TORCHELASTIC_RESTART_COUNT=2";
    const string OpenMpi = "OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=8 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=4 PMIX_NAMESPACE=prterun-a-1@1";
    const string Pmi = "PMI_RANK=2 PMI_SIZE=4 MPI_LOCALRANKID=0 MPI_LOCALNRANKS=2";
    const string Slurm = "SLURM_PROCID=8 SLURM_STEP_NUM_TASKS=11 SLURM_NTASKS=99 SLURM_LOCALID=0 SLURM_NODEID=2 SLURM_STEP_NUM_NODES=3 SLURM_NNODES=7 SLURM_STEP_TASKS_PER_NODE=4(x2),3 SLURM_STEP_NODELIST=n[0-2] SLURM_JOB_ID=42 SLURM_STEP_ID=0";
    const string Kubernetes = "JOB_COMPLETION_INDEX=2 WORLD_SIZE=3 MASTER_ADDR=train-0.train MASTER_PORT=29500";

    [Theory]
    [InlineData("PATH=/bin HOME=/root", "nobody", 0, 1, 0, 1, 0, 1)]
    [InlineData(Local, "raijin launch", 1, 3, 1, 3, 0, 1)]
    [InlineData(Torchrun, "torchrun", 5, 8, 1, 4, 1, 2)]
    [InlineData("RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=h MASTER_PORT=1", "torchrun's variables", 1, 2, 1, 2, 0, 1)]
    [InlineData("RANK=3 WORLD_SIZE=4 LOCAL_RANK=1 GROUP_WORLD_SIZE=2 MASTER_ADDR=h MASTER_PORT=1", "torchrun's variables", 3, 4, 1, 2, 1, 2)]
    [InlineData("RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 MASTER_ADDR=localhost MASTER_PORT=1", "torchrun's variables", 1, 2, 1, 2, 0, 1)]
    [InlineData("RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=1", "torchrun's variables", 1, 2, 1, 2, 0, 1)]
    [InlineData("RANK=1 WORLD_SIZE=2 MASTER_ADDR=job-master-0 MASTER_PORT=1", "torchrun's variables", 1, 2, 0, 1, 1, 2)]
    [InlineData("RANK=0 WORLD_SIZE=1", "torchrun's variables", 0, 1, 0, 1, 0, 1)]
    [InlineData(OpenMpi, "mpirun (Open MPI)", 5, 8, 1, 4, 1, 2)]
    [InlineData(Pmi, "mpiexec (PMI)", 2, 4, 0, 2, 1, 2)]
    [InlineData("PMI_RANK=2 PMI_SIZE=4", "mpiexec (PMI)", 2, 4, 0, 1, 2, 4)]
    [InlineData(Slurm, "srun (Slurm)", 8, 11, 0, 3, 2, 3)]
    [InlineData("SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=1 SLURM_NODEID=0 SLURM_NNODES=1 SLURM_STEP_NODELIST=n0", "srun (Slurm)", 1, 2, 1, 2, 0, 1)]
    [InlineData("SLURM_PROCID=3 SLURM_STEP_NUM_TASKS=4 SLURM_LOCALID=1 SLURM_NODEID=1 SLURM_STEP_NUM_NODES=2", "srun (Slurm)", 3, 4, 1, 2, 1, 2)]
    [InlineData(Kubernetes, "a Kubernetes indexed job", 2, 3, 0, 1, 2, 3)]
    public void A_launcher_says_which_rank_a_process_is(string variables, string launcher, int rank, int size, int localRank, int localSize, int node, int nodes)
    {
        var environment = Detect(variables);
        Assert.Equal(launcher, environment.Launcher);
        Assert.Equal(new RankIdentity(rank, size, localRank, localSize, node, nodes), environment.Identity);
    }

    [Theory]
    [InlineData(Local + " " + Torchrun + " " + Slurm, "raijin launch")]
    [InlineData(Torchrun + " " + OpenMpi + " " + Slurm, "torchrun")]
    [InlineData(OpenMpi + " " + Slurm, "mpirun (Open MPI)")]
    [InlineData(Pmi + " " + Slurm, "mpiexec (PMI)")]
    [InlineData("PMI_RANK=8 PMI_SIZE=11 " + Slurm, "srun (Slurm)")]
    [InlineData(Slurm + " JOB_COMPLETION_INDEX=0", "srun (Slurm)")]
    public void The_innermost_launcher_counts(string variables, string launcher) => Assert.Equal(launcher, Detect(variables).Launcher);

    [Theory]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=4 SLURM_NNODES=2 SLURM_JOB_ID=42 SLURM_NODEID=0 SLURM_LOCALID=0")] // a batch script
    [InlineData("SLURM_NTASKS=4 SLURM_NNODES=2 SLURM_JOB_ID=42")] // an allocation's shell
    [InlineData("JOB_COMPLETION_INDEX=3")] // independent pods
    [InlineData("RANK= WORLD_SIZE=")]
    public void A_process_that_only_stands_near_a_launcher_is_the_only_rank(string variables) => Assert.Same(ClusterEnvironment.None, Detect(variables));

    [Fact]
    public void Ranks_of_one_launch_share_a_name_that_no_other_has()
    {
        string[] launches =
        [
            Local, Torchrun, OpenMpi, Slurm, Torchrun.Replace("29500", "29501", StringComparison.Ordinal), Torchrun.Replace("COUNT=2", "COUNT=3", StringComparison.Ordinal),
            OpenMpi.Replace("a-1@1", "a-2@1", StringComparison.Ordinal), Slurm.Replace("STEP_ID=0", "STEP_ID=1", StringComparison.Ordinal), Slurm + " SLURM_RESTART_COUNT=1",
        ];
        var names = launches.Select(l => Detect(l).Job).ToList();
        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.All(names, name => Assert.Matches("^[a-z0-9-]{5,40}$", name));
        Assert.Equal(Detect(Torchrun).Job, Detect(Torchrun.Replace("RANK=5", "RANK=4", StringComparison.Ordinal).Replace("LOCAL_RANK=1", "LOCAL_RANK=0", StringComparison.Ordinal)).Job);
        Assert.Null(Detect(Pmi).Job);
    }

    [Fact]
    public void Restarts_are_counted_by_whoever_restarts()
    {
        Assert.Equal(4, Detect(Local + " RAIJIN_RESTART=4").Restart);
        Assert.Equal(2, Detect(Torchrun).Restart);
        Assert.Equal(3, Detect(Slurm + " SLURM_RESTART_COUNT=3").Restart);
        Assert.Equal(1, Detect(OpenMpi + " RAIJIN_RESTART=1").Restart);
    }

    [Theory]
    [InlineData(Torchrun, "node-0:29500")]
    [InlineData(Kubernetes, "train-0.train:29500")]
    [InlineData(Local, null)]
    public void Ranks_of_several_hosts_have_a_place_to_meet(string variables, string? place) => Assert.Equal(place, Detect(variables).Rendezvous);

    [Fact]
    public void Mpi_finds_ranks_where_an_mpi_launcher_started_them()
    {
        Assert.All([OpenMpi, Pmi, Slurm + " PMIX_RANK=8", "PMI_RANK=8 PMI_SIZE=11 " + Slurm], launch => Assert.True(Detect(launch).IsMpi));
        Assert.All([Local, Torchrun, Slurm, Kubernetes], launch => Assert.False(Detect(launch).IsMpi));
    }

    [Theory]
    [InlineData("RANK=3", "WORLD_SIZE", "is not set, but RANK = 3 is: a launcher sets both. Unset RANK to train as the only rank.")]
    [InlineData("WORLD_SIZE=4", "RANK", "is not set, but WORLD_SIZE = 4 is")]
    [InlineData("RANK=4 WORLD_SIZE=4 LOCAL_RANK=0 LOCAL_WORLD_SIZE=4", "RANK = 4", "must be less than WORLD_SIZE = 4")]
    [InlineData("RANK=two WORLD_SIZE=4", "RANK = two", "expected a whole number from 0")]
    [InlineData("RANK=0 WORLD_SIZE=0", "WORLD_SIZE = 0", "expected a whole number from 1")]
    [InlineData("RANK=0 WORLD_SIZE=4 LOCAL_RANK=1 LOCAL_WORLD_SIZE=4", "LOCAL_RANK = 1", "must not be more than RANK = 0")]
    [InlineData("RANK=3 WORLD_SIZE=4 LOCAL_RANK=2 LOCAL_WORLD_SIZE=2", "LOCAL_RANK = 2", "must be less than LOCAL_WORLD_SIZE = 2")]
    [InlineData("RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=4", "LOCAL_WORLD_SIZE = 4", "must not be more than WORLD_SIZE = 2")]
    [InlineData("RANK=0 WORLD_SIZE=4 LOCAL_WORLD_SIZE=2", "LOCAL_RANK", "is not set, but LOCAL_WORLD_SIZE = 2 is")]
    [InlineData("RANK=1 WORLD_SIZE=4 LOCAL_RANK=1 MASTER_ADDR=far MASTER_PORT=1", "LOCAL_RANK = 1", "how many of the 4 ranks are on this host?")]
    [InlineData("RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=2 MASTER_ADDR=h", "MASTER_ADDR = h", "is set without MASTER_PORT")]
    [InlineData("RANK=3 WORLD_SIZE=4 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 GROUP_RANK=2", "GROUP_RANK = 2", "must be less than the number of hosts, 2")]
    [InlineData("RANK=5 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=4 GROUP_WORLD_SIZE=1", "GROUP_WORLD_SIZE = 1", "is too few hosts for RANK = 5 with 4 ranks on each")]
    [InlineData("RAIJIN_RANK=0 RAIJIN_WORLD_SIZE=2", "RAIJIN_RANK = 0", "is set without RAIJIN_JOB")]
    [InlineData("OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE", "is not set, but OMPI_COMM_WORLD_RANK = 0 is")]
    [InlineData("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=0", "OMPI_COMM_WORLD_LOCAL_SIZE", "is not set, but OMPI_COMM_WORLD_LOCAL_RANK = 0 is")]
    [InlineData("PMI_RANK=7 PMI_SIZE=4", "PMI_RANK = 7", "must be less than PMI_SIZE = 4")]
    [InlineData("SLURM_PROCID=1 SLURM_STEP_NODELIST=n0", "SLURM_NTASKS", "is not set, but SLURM_PROCID = 1 is")]
    [InlineData("SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4 SLURM_STEP_NUM_NODES=2 SLURM_NODEID=0 SLURM_LOCALID=1 SLURM_STEP_TASKS_PER_NODE=3(x2)", "SLURM_STEP_TASKS_PER_NODE = 3(x2)", "has 6 tasks on 2 hosts, but the step has 4 on 2")]
    [InlineData("SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4 SLURM_STEP_NUM_NODES=2 SLURM_NODEID=0 SLURM_LOCALID=1 SLURM_STEP_TASKS_PER_NODE=many", "SLURM_STEP_TASKS_PER_NODE = many", "such as 4(x2),3")]
    [InlineData("SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=5 SLURM_STEP_NUM_NODES=2 SLURM_NODEID=0 SLURM_LOCALID=1", "SLURM_PROCID = 1", "does not say how many are on each")]
    [InlineData("JOB_COMPLETION_INDEX=3 WORLD_SIZE=3", "JOB_COMPLETION_INDEX = 3", "must be less than WORLD_SIZE = 3")]
    [InlineData("JOB_COMPLETION_INDEX=0 WORLD_SIZE=3 MASTER_ADDR=h", "MASTER_ADDR = h", "is set without MASTER_PORT")]
    public void Half_set_and_contradictory_variables_are_refused_by_name_and_value(string variables, string key, string message)
    {
        var fault = Assert.Single(Faults(variables), f => f.Key == key);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_named_at_once() => Assert.Equal(["RANK = x", "WORLD_SIZE = y", "MASTER_PORT = z"], Faults("RANK=x WORLD_SIZE=y MASTER_ADDR=h MASTER_PORT=z").Select(f => f.Key));
}
