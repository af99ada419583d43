namespace Raijin.DeepSpeed;

// What watches, saves and restarts.
static partial class KeyTable
{
    const string Throughput = "it searches with a process for each trial; ours plans, and measures the best few in one process a rank";
    const string OwnFolder = "files lie in the run's folder: `trainer.output`";

    static IReadOnlyList<KeyRows> Tools =>
    [
        new KeyRows("tensorboard")
            .Honoured("enabled false", "`TensorBoardLogger`", "beside the run's CSV")
            .NoEffect("output_path; job_name DeepSpeedJobName", OwnFolder, ValueKind.Text),
        new KeyRows("csv_monitor")
            .NoEffect("enabled false", "a run writes its values as CSV anyway: `CsvLogger`")
            .NoEffect("output_path; job_name DeepSpeedJobName", OwnFolder, ValueKind.Text),
        new KeyRows("wandb")
            .NotAvailable("enabled false", "`MLflowLogger`, `TensorBoardLogger`", "a logger of your own is one class")
            .NoEffect("group; team", "of that service", ValueKind.Text)
            .NoEffect("project deepspeed", "of that service"),
        new KeyRows("comet")
            .NotAvailable("enabled false", "`MLflowLogger`, `TensorBoardLogger`", "a logger of your own is one class")
            .NoEffect("samples_log_interval 100; project; workspace; api_key; experiment_name; experiment_key; online; mode", "of that service"),
        new KeyRows("comms_logger")
            .Honoured("enabled false", "`trainer.logCollectives`", "each call timed; at the end a table by kind and size, with bandwidths and who came last")
            .NoEffect("prof_all true; prof_ops []", "all kinds are timed, each in rows of its own: nothing is left out")
            .NoEffect("verbose false", "there is a table at the end, no line for each call")
            .NoEffect("debug false", "rows say the group of a call, not who made it"),
        new KeyRows("flops_profiler")
            .Honoured("enabled false", "`FlopsProfiler`", "multiply-adds, FLOPs and time of each module, in one step")
            .Honoured("profile_step 1", "`FlopsProfiler.Step`", "steps before the one that is profiled", min: 0)
            .Honoured("module_depth -1", "`FlopsProfiler.Depth`", "-1 for all levels", min: -1)
            .Honoured("top_modules 1", "`FlopsProfiler.TopModules`", "at each level", min: 0)
            .Honoured("detailed true", "`FlopsProfiler.Detailed`", "module by module")
            .Honoured("output_file", "`FlopsProfiler.OutputFile`", "its JSON lies beside it; where it is not given, both in the run's folder", ValueKind.Text)
            .NoEffect("recompute_fwd_factor 0.0", "forward passes that backward repeats are counted as they run, in a row of their own"),
        new KeyRows("timers.throughput")
            .Honoured("enabled true", "`ThroughputMonitor`", "where the file says true: samples a second over the last ten written steps, the first two steps left out. Steps a second are in every result anyway")
            .NoEffect("synchronized true", "it is arithmetic on the host's counters and waits for no device"),
        new KeyRows("autotuning")
            .NotAvailable("enabled false", "`raijin tune throughput`", Throughput)
            .NoEffect("fast true; results_dir autotuning_results; exps_dir autotuning_exps; overwrite true; start_profile_step 3; end_profile_step 5; metric throughput; metric_path; tuner_type gridsearch; tuner_early_stopping 5; tuner_num_trials 50; arg_mappings {}; model_info {}; model_info_path; mp_size 1; max_train_batch_size; min_train_batch_size 1; max_train_micro_batch_size_per_gpu 1024; min_train_micro_batch_size_per_gpu 1; num_tuning_micro_batch_sizes 3", Throughput, ValueKind.Any),
    ];

    static KeyRows Elastic => new KeyRows("elasticity")
        .Honoured("enabled false", "the batch", "global batch, microbatch and valid numbers of ranks follow from the ranks there are; other numbers are refused. With `--max-restarts` what is left of the ranks goes on in the next valid number")
        .Honoured("max_train_batch_size 2000", "the batch", "no larger than this", min: 1)
        .Honoured("micro_batch_sizes [2, 4, 6]", "the batch", "whole numbers above 0")
        .Honoured("min_gpus 1; max_gpus 10000", "`trainer.elasticRanks`", "ranks allowed", min: 1)
        .Honoured("num_gpus_per_node 1", "the batch", "of version 0.2", min: 1)
        .NotAvailable("model_parallel_size 1", "1", "there is no model parallelism yet: every rank sees other samples")
        .NoEffect("min_time 0", "of a scheduler")
        .Honoured("prefer_larger_batch true", "the batch", "–", old: "elasticity.prefer_larger_batch_size")
        .Honoured("ignore_non_elastic_batch_info false", "the batch", "else a batch size beside elasticity is an error")
        .Honoured("version 0.2", "the batch", "0.1 or 0.2");

    static IReadOnlyList<KeyRows> Saving =>
    [
        new KeyRows("checkpoint")
            .NoEffect("tag_validation Warn", "options, data and model are compared over all ranks before the first step", choices: "Warn Ignore Fail WARN IGNORE FAIL")
            .NoEffect("load_universal false", "every checkpoint is")
            .NoEffect("use_node_local_storage false; checkpoint_serialization true", "every rank writes its part, below one folder that all see")
            .NoEffect("writer {}", "checkpoints are written while training goes on: `ModelCheckpoint.InBackground`"),
        new KeyRows("checkpoint.parallel_write").NoEffect("pipeline_stage false", "every rank writes its part"),
        new KeyRows("nebula")
            .NotAvailable("enabled false", "`ModelCheckpoint.MirrorTo`", "that service is Azure's")
            .NoEffect("persistent_storage_path; persistent_time_interval 100; num_of_version_in_retention 2; enable_nebula_load true; nebula_load_path", "of that service"),
        new KeyRows("").NoEffect("datastates_ckpt {}", "checkpoints are written while training goes on: `ModelCheckpoint.InBackground`"),
    ];

    static IReadOnlyList<KeyRows> Model =>
    [
        new KeyRows("activation_checkpointing").NoEffect(
            "partition_activations false; number_checkpoints; contiguous_memory_optimization false; synchronize_checkpoint_boundary false; profile false; cpu_checkpointing false",
            "it says how, and there only what a model wraps in it is recomputed; here `trainer.recompute` has a model's blocks recomputed, with the same bits", ValueKind.Any),
        new KeyRows("pipeline")
            .NoEffect("stages auto; partition best; seed_layers false", "DeepSpeed never reads it", ValueKind.Any)
            .NoEffect("activation_checkpoint_interval 0; pipe_partitioned true; grad_partitioned true; use_reentrant true", "there is no pipeline yet"),
        new KeyRows("tensor_parallel")
            .NotAvailable("autotp_size 0", "`trainer.strategy` zero3", "there is no tensor parallelism yet")
            .NoEffect("dtype fp16; tp {}; tp_overlap_comm false; injection_policy_tuple; partition_config {}; preset_model; keep_module_on_host false; kernel_inject false", "there is no tensor parallelism yet", ValueKind.Any),
        new KeyRows("expert_parallel")
            .NotAvailable("enabled false", "`trainer.strategy` zero3", "there is no expert parallelism yet")
            .NoEffect("autoep_size 1; expert_tensor_parallel_size 1; validate_folding_routing false; preset_model; moe_layer_pattern; expert_pattern; router_pattern; use_grouped_mm true; disable_triton_grouped_mm false; route_norm; route_scale 1.0; score_apply auto; combine_impl auto; score_func auto; top_k auto; routed_scaling_factor auto; num_expert_groups; num_limited_groups; load_balance_coeff; expert_w1; expert_w2; expert_w3; num_experts_attr; top_k_attr; has_shared_experts; shared_experts_pattern; shared_experts_gate_pattern", "there is no expert parallelism yet", ValueKind.Any),
        new KeyRows("sparse_attention").NoEffect(
            "mode fixed; block 16; different_layout_per_head false; num_local_blocks 4; num_global_blocks 1; attention bidirectional; horizontal_global_attention false; num_different_global_patterns 1; num_random_blocks 0; local_window_blocks [4]; global_block_indices [0]; global_block_end_indices; num_sliding_window_blocks 3",
            "a model brings its attention; there, too, only one that asks for the layout has it", ValueKind.Any),
        new KeyRows("progressive_layer_drop")
            .NotAvailable("enabled false", "a Callback of your own", "a model drops its layers itself")
            .NoEffect("theta 1.0; gamma 0.001", "of what enabled would switch on"),
        new KeyRows("compile").NoEffect(
            "deepcompile false; passes; free_activation false; free_activation_threshold 10485760; offload_activation false; offload_activation_pin_memory true; offload_opt_states false; offload_parameters false; double_buffer true; symmetric_memory false; debug_log false; sync_before_reduce false; sync_after_reduce false; sync_before_allgather false; sync_after_allgather false; keep_int_input_tensors true; keep_all_input_tensors false; backend inductor; enabled false; kwargs {}",
            "nothing is compiled: gathers and reductions overlap without a graph", ValueKind.Any),
        new KeyRows("hybrid_engine")
            .NotAvailable("enabled false", "the trained model, as it is", "there is no engine that switches between training and generation yet")
            .NoEffect("max_out_tokens 512; inference_tp_size 1; release_inference_cache false; pin_parameters true; tp_gather_partition_size 8; enable_cuda_graph false", "of what enabled would switch on"),
    ];
}
