namespace Raijin.DeepSpeed;

// ZeRO, offload, ZeRO++.
static partial class KeyTable
{
    const string OneWay = "there is one way of doing it";
    const string Transfers = "`trainer.strategy.offloadThreads`";
    const string OnDisk = "the larger of depth and threads, for a transfer under way has a thread here; at most 256. Where nothing lies on nvme it has no effect";
    const string UnitsGather = "a unit, and those fetched ahead, are there; they go after their use";

    static KeyRows Zero => new KeyRows("zero_optimization")
        .Honoured("stage 0", "`trainer.strategy.stage`", "no stage changes a result", min: 0, max: 3)
        .NoEffect("contiguous_gradients true; reduce_scatter true; use_multi_rank_bucket_allreduce true; allgather_partitions true; round_robin_gradients false", OneWay)
        .NoEffect("reduce_bucket_size 5e8; allgather_bucket_size 5e8", "a bucket is a unit of the model: `trainer.strategy.unitBytes`", min: 0)
        .NoEffect("overlap_comm", "a bucket is reduced while backward goes on, always", ValueKind.Flag)
        .NoEffect("load_from_fp32_weights true; elastic_checkpoint false", "checkpoints hold float32 weights, whole, for any number of ranks")
        .NoEffect("sub_group_size 1e9", "the optimizer's tiles are cut by size", min: 0)
        .NoEffect("ignore_unused_parameters true", "parameters without a gradient are agreed on in each step: `trainer.strategy.staticGraph`")
        .NotAvailable("legacy_stage1 false", "stage 1", "DeepSpeed refuses it too")
        .NoEffect("grad_hooks", "documented there, and no key any more", ValueKind.Flag)
        .NoEffect("stage3_prefetch_bucket_size 5e7", "units are fetched ahead: `trainer.strategy.prefetchUnits`", min: 0, old: "zero_optimization.prefetch_bucket_size")
        .NoEffect("stage3_param_persistence_threshold 1e5", "what lies in no unit is there for the whole pass", min: 0, old: "zero_optimization.param_persistence_threshold")
        .NoEffect("stage3_model_persistence_threshold 9223372036854775807", "what lies in no unit is there for the whole pass", min: 0, old: "zero_optimization.model_persistence_threshold")
        .NoEffect("stage3_max_live_parameters 1e9", UnitsGather, min: 0, old: "zero_optimization.max_live_parameters")
        .NoEffect("stage3_max_reuse_distance 1e9", UnitsGather, min: 0, old: "zero_optimization.max_reuse_distance")
        .NoEffect("stage3_gather_16bit_weights_on_model_save false", "`raijin checkpoint merge` makes one file of a checkpoint, after the run", old: "zero_optimization.stage3_gather_fp16_weights_on_model_save zero_optimization.gather_16bit_weights_on_model_save")
        .NoEffect("stage3_module_granularity_threshold 0", "units are named by the model, or cut by `trainer.strategy.unitBytes`")
        .NoEffect("stage3_use_all_reduce_for_fetch_params false; stage3_allgather_sequential false", OneWay)
        .Honoured("zero_hpz_partition_size 1", "`trainer.strategy.secondaryShardSize`", "stage 3; as there, more than there are ranks is one node with all of them, which changes nothing", min: 0)
        .Honoured("zero_quantized_weights false", "`trainer.strategy.weightCodec` int8", "blocks of 256; stage 3")
        .NoEffect("zero_quantized_nontrainable_weights false", "all that is gathered is coded")
        .Honoured("zero_quantized_gradients false", "`trainer.strategy.gradientCodec` int4", "with error feedback; in two hops, a node's first, where zero_hpz_partition_size says what a node is")
        .Honoured("mics_shard_size -1", "`trainer.strategy.shardSize`", "groups of neighbouring ranks divide, and hold copies of each other; stages 1 to 3", min: -1)
        .NoEffect("mics_hierarchical_params_gather false", "a group of its own has nothing to climb")
        .NoEffect("memory_efficient_linear true; pipeline_loading_checkpoint false; override_module_apply true; log_trace_cache_warnings false; save_muon_momentum_buffer_in_memory false", OneWay)
        .Honoured("enable_sanity_checks false", "`trainer.checkCollectives`", "each call between ranks is compared before it is made")
        .NoEffect("cpu_offload_use_pin_memory", "memory is pinned where a device copies from it", ValueKind.Flag)
        .Honoured("cpu_offload", "`trainer.strategy.offloadOptimizer` host", "the old name of offload_optimizer with device cpu", ValueKind.Flag)
        .Honoured("cpu_offload_params", "`trainer.strategy.offloadParameters` host", "the old name of offload_param with device cpu", ValueKind.Flag, old: "zero_optimization.cpu_offload_param");

    static KeyRows OffloadParam => new KeyRows("zero_optimization.offload_param")
        .Honoured("device none", "`trainer.strategy.offloadParameters`", "stage 3; cpu is the host's memory, nvme a folder, on CPUs", choices: "none cpu nvme")
        .Honoured("nvme_path", "`trainer.strategy.offloadParameters` disk:FOLDER", "needed with nvme", ValueKind.Text)
        .NoEffect("buffer_count 5; buffer_size 1e8; max_in_cpu 1e9", "units are leased one by one", min: 0)
        .NoEffect("pin_memory true", "memory is pinned where a device copies from it");

    static KeyRows OffloadOptimizer => new KeyRows("zero_optimization.offload_optimizer")
        .Honoured("device none", "`trainer.strategy.offloadOptimizer`", "cpu is the host's memory, nvme a folder; all stages", choices: "none cpu nvme")
        .Honoured("nvme_path", "`trainer.strategy.offloadOptimizer` disk:FOLDER", "needed with nvme", ValueKind.Text)
        .Honoured("ratio 1.0", "`trainer.strategy.offloadRatio`", "–", min: 0, max: 1)
        .NoEffect("buffer_count 4", "three leases, cut by size", min: 0)
        .NoEffect("pin_memory true", "memory is pinned where a device copies from it")
        .NoEffect("pipeline_read false; pipeline_write false; fast_init false", "reading ahead and writing behind is how it works")
        .NotAvailable("super_offload false", "offload_optimizer without it", "its speculative step changes results")
        .NoEffect("cpuadam_cores_perc 0.8", "a rank has its cores: `trainer.threads`", min: 0, max: 1);

    static KeyRows Loco => new KeyRows("zero_optimization.zeropp_loco_param")
        .NoEffect("err_beta 0.8; reset_T 1024", "error feedback is part of `gradientCodec` int4, with its own constants");

    static KeyRows LeafModule => new KeyRows("zero_optimization.leaf_module")
        .NoEffect("classes []; names []; name_suffixes []", "a model names its units: `IShardable`");

    static KeyRows ZenFlow => new KeyRows("zero_optimization.zenflow")
        .NotAvailable("topk_ratio 0.1; select_strategy auto; select_interval auto; update_interval auto; overlap_step false; offload false; auto_ratio 0.99; full_warm_up_rounds 0; pt_reserved_cores_perc 0.5", "offload_optimizer", "stale updates change results", ValueKind.Any);

    static KeyRows Aio => new KeyRows("aio")
        .Honoured("queue_depth 8; intra_op_parallelism 1", Transfers, OnDisk, min: 1)
        .Honoured("thread_count 1", Transfers, "the older name of intra_op_parallelism", min: 1)
        .NoEffect("block_size 1048576", "transfers are 4 MiB; `raijin bench disk` compares sizes", min: 1)
        .NoEffect("single_submit false; overlap_events true; use_gds false", "reads and writes overlap always, past the page cache where that can be");
}
