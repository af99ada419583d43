namespace Raijin.DeepSpeed;

// The step: batch, precision, clipping, optimizer, scheduler.
static partial class KeyTable
{
    static KeyRows Top => new KeyRows("")
        .Honoured("train_batch_size", "resolved `TrainBatchSize`", "samples of one optimizer step over all ranks; any two of the three give the third", ValueKind.Whole, min: 1)
        .Honoured("train_micro_batch_size_per_gpu", "`data.batchSize`", "samples of one forward pass on each rank", ValueKind.Whole, min: 1, old: "train_micro_batch_size")
        .Honoured("gradient_accumulation_steps", "`trainer.accumulateGradients`", "microbatches of one optimizer step", ValueKind.Whole, min: 1)
        .NotAvailable("managed_gradient_accumulation true", "a loop of your own with Fabric", "the Trainer knows where a step ends; Fabric leaves it to you")
        .Honoured("steps_per_print", "`trainer.log`", "how often values are written; the progress line moves by itself", ValueKind.Whole, min: 1)
        .NoEffect("dump_state false", "the plan of a run is printed before it starts")
        .Honoured("wall_clock_breakdown false", "`SimpleProfiler`", "time of forward, backward, reduction, optimizer, as a table at the end of the run; there it is printed every so many steps")
        .Honoured("memory_breakdown false", "`MemoryProfiler`", "two steps: the peak of each phase and module, and what the engine holds by kind")
        .NoEffect("log_level", "messages go to the logger you give", ValueKind.Text)
        .NoEffect("vocabulary_size", "there it only warns of sizes that 8 does not divide", ValueKind.Whole)
        .Honoured("gradient_clipping 1.0", "`trainer.clipGradients`", "by the norm over all ranks; 0 clips nothing. The default was 0 before 0.19", min: 0)
        .Honoured("communication_data_type", "`trainer.strategy.gradientWire`", "sums are taken in float32 and rounded once", ValueKind.Text, choices: "fp16 bf16 bfp16 fp32")
        .NoEffect("seq_parallel_communication_data_type fp32", "there is no sequence parallelism yet", choices: "fp16 bf16 bfp16 fp32")
        .NoEffect("prescale_gradients false; gradient_predivide_factor 1.0", "means are taken in float32: nothing overflows on the way")
        .NotAvailable("gradient_allreduce_op mean", "mean", "gradients are the mean over all ranks; multiply the loss for a sum", choices: "mean sum")
        .NoEffect("sparse_gradients false", "gradients of embeddings are dense; their values are the same")
        .NoEffect("disable_allgather false", "DeepSpeed never reads it")
        .NoEffect("graph_harvesting false", "there are no CUDA graphs of gradients")
        .NoEffect("zero_allow_untested_optimizer false; zero_force_ds_cpu_optimizer true", "every optimizer runs with every stage that its arithmetic allows")
        .NoEffect("use_data_before_expert_parallelism false", "there is no expert parallelism yet")
        .NotAvailable("sequence_parallel_size 1", "trainer.strategy", "there is no sequence parallelism yet", ValueKind.Whole)
        .NoEffect("dataloader_drop_last false", "the loader is yours: `LoaderOptions.DropLast`");

    static KeyRows Optimizer => new KeyRows("optimizer")
        .Honoured("type", "`Optimizers`", "Adam is AdamW unless adam_w_mode is false, as there; OneBitAdam on several ranks needs stage 0", ValueKind.Text)
        .NoEffect("legacy_fusion false", "there is one fused update");

    static KeyRows OptimizerParams => new KeyRows("optimizer.params")
        .Honoured("lr 0.001", "`learningRate`", "a schedule's highest rate takes its place", min: 0)
        .Honoured("betas [0.9, 0.999]", "`beta1`, `beta2`", "–")
        .Honoured("eps 1e-8", "`epsilon`", "–", min: 0)
        .Honoured("weight_decay 0.0", "`weightDecay`", "decoupled in AdamW, Lion and Muon", min: 0)
        .Honoured("adam_w_mode true", "`Optimizers.AdamW` or `Optimizers.Adam`", "false makes Adam of Adam; AdamW stays what it is")
        .NoEffect("torch_adam false; fused false; foreach false; set_grad_none true", "there is one fused update")
        .Honoured("bias_correction true", "`biasCorrection`", "of Adam, AdamW and Lamb; OneBitAdam has none, as there")
        .NotAvailable("amsgrad false", "the default", "DeepSpeed's own optimizers refuse it too")
        .NoEffect("eps_inside_sqrt false", "DeepSpeed never reads it")
        .NoEffect("fp32_optimizer_states true", "state is float32 always")
        .Honoured("momentum 0.0", "`momentum`", "of SGD, RMSprop and Muon", min: 0, max: 1)
        .Honoured("nesterov false; dampening 0.0", "`nesterov`, `dampening`", "of SGD")
        .Honoured("alpha 0.99", "`alpha`", "of RMSprop", min: 0, max: 1)
        .Honoured("muon_lr; adam_lr", "`learningRate`", "one rate for both; two that differ are refused by a run", ValueKind.Number, min: 0)
        .NoEffect("ns_method standard", "five Newton-Schulz steps")
        .Honoured("max_coeff 10.0", "`mostTrust`", "of Lamb: the largest ratio of a parameter's norm to its update's", min: 1e-300)
        .Honoured("min_coeff 0.01", "`leastTrust`", "of Lamb: the least", min: 0)
        .Honoured("freeze_step 100000", "`freezeSteps`", "of OneBitAdam: updates before ranks send signs", min: 0)
        .NotAvailable("var_freeze_step 100000; var_update_scaler 16; local_step_scaler 32678; local_step_clipper 16; coeff_beta 0.9; factor_max 4.0; factor_min 0.5; factor_threshold 0.1", "OneBitAdam", "of ZeroOneAdam and OneBitLamb, which are not there")
        .NoEffect("cuda_aware false; comm_backend_name nccl; use_nccl false", "the transport is `trainer.transport`")
        .NoEffect("max_grad_norm 0.0", "DeepSpeed refuses it above 0 with fp16: clipping is gradient_clipping");

    static KeyRows Scheduler => new KeyRows("scheduler")
        .Honoured("type", "`DeepSpeedSchedules`", "update for update the same rates", ValueKind.Text, choices: "LRRangeTest OneCycle WarmupLR WarmupDecayLR WarmupCosineLR");

    static KeyRows SchedulerParams => new KeyRows("scheduler.params")
        .Honoured("warmup_min_lr 0.0", "`minimum`", "as a share of the highest rate", min: 0)
        .Honoured("warmup_max_lr", "`learningRate`", "where it is not given the optimizer's lr; 0.001 before 0.19", ValueKind.Number, min: 0)
        .Honoured("warmup_num_steps 1000", "`warmupSteps`", "fewer than 2 are 2, as there", min: 0)
        .Honoured("warmup_type log", "`growth`", "–", choices: "log linear")
        .Honoured("total_num_steps", "`steps`", "needed by WarmupDecayLR and WarmupCosineLR", ValueKind.Whole, min: 1)
        .Honoured("warmup_min_ratio 0.0", "`warmupMinimum`", "–", min: 0, max: 1)
        .Honoured("cos_min_ratio 0.0001", "`cosineMinimum`", "–", min: 0, max: 1)
        .Honoured("cycle_min_lr; cycle_max_lr", "`minimum`, `learningRate`", "the lowest as a share of the highest", ValueKind.Number, min: 0)
        .Honoured("cycle_first_step_size 2000", "`firstSteps`", "–", min: 1)
        .Honoured("cycle_second_step_size", "`secondSteps`", "as many as the first", ValueKind.Whole, min: 1)
        .Honoured("cycle_first_stair_count 0", "`firstStairs`", "–", min: 0)
        .Honoured("cycle_second_stair_count", "`secondStairs`", "as many as the first", ValueKind.Whole, min: 0)
        .Honoured("decay_step_size 0", "`decaySteps`", "–", min: 0)
        .Honoured("decay_lr_rate 0.0", "`decayRate`", "–", min: 0)
        .Honoured("cycle_momentum true", "`cycleMomentum`", "β₁ of the Adam family; there also β₂, to 0.99")
        .Honoured("cycle_min_mom 0.8; cycle_max_mom 0.9", "`minMomentum`, `maxMomentum`", "–", min: 0, max: 1)
        .Honoured("decay_mom_rate 0.0", "`momentumDecayRate`", "–", min: 0)
        .Honoured("lr_range_test_min_lr 0.001", "`learningRate`", "the lowest rate", min: 0)
        .Honoured("lr_range_test_step_size 2000", "`steps`", "–", min: 1)
        .Honoured("lr_range_test_step_rate 1.0", "`rate`", "–", min: 0)
        .Honoured("lr_range_test_staircase false", "`staircase`", "–")
        .NotAvailable("last_batch_iteration -1", "resume a checkpoint", "a schedule is a function of the updates done, which a checkpoint knows");

    static KeyRows Float16 => new KeyRows("fp16")
        .Honoured("enabled false", "`trainer.precision` float16", "float32 weights under autocast, and a loss scale; refused on CPUs, where bfloat16 is the fast one")
        .NoEffect("auto_cast false", "inputs are cast by autocast")
        .Honoured("loss_scale 0.0", "`trainer.lossScale.initialScale`", "0 for one that moves; another stays", min: 0)
        .Honoured("initial_scale_power 16", "`trainer.lossScale.initialScale`", "2 to this power", min: 0, max: 60)
        .Honoured("loss_scale_window 1000", "`trainer.lossScale.window`", "–", min: 1)
        .Honoured("hysteresis 2", "`trainer.lossScale.hysteresis`", "–", min: 1)
        .Honoured("consecutive_hysteresis false", "`trainer.lossScale.consecutiveHysteresis`", "–")
        .Honoured("min_loss_scale 1.0", "`trainer.lossScale.minScale`", "0 is as low as it goes there; here the lowest is 2^-24", min: 0)
        .NoEffect("fp16_master_weights_and_grads false", "weights are float32 always")
        .NoEffect("opt_level; fp16; fp16_scale_tolerance", "of Apex or a fork; older releases pass over it, newer ones refuse it");

    static KeyRows BFloat16 => new KeyRows("bf16")
        .Honoured("enabled false", "`trainer.precision` bfloat16", "float32 masters, divided from stage 1 on", old: "bfloat16.enabled")
        .NoEffect("immediate_grad_update false", "gradients are accumulated where they are reduced", old: "bfloat16.immediate_grad_update")
        .NoEffect("check_grad_overflow true", "a loss that is not finite ends the run, and says where", old: "bfloat16.check_grad_overflow")
        .NotAvailable("bf16_master_weights_and_grads false", "bf16.enabled alone", "masters are float32", old: "bfloat16.bf16_master_weights_and_grads")
        .NotAvailable("bf16_optimizer_states false", "`trainer.strategy.offloadOptimizer`", "state is float32; put it on a disk if memory is short", old: "bfloat16.bf16_optimizer_states");

    static KeyRows Autocast => new KeyRows("torch_autocast")
        .Honoured("enabled false", "`trainer.precision` bfloat16-autocast", "float16 with that dtype")
        .Honoured("dtype bfloat16", "`trainer.precision`", "–", choices: "bfloat16 float16 bf16 fp16 torch.bfloat16 torch.float16")
        .NoEffect("lower_precision_safe_modules", "autocast knows which ops are safe", ValueKind.List);

    static KeyRows Amp => new KeyRows("amp")
        .NotAvailable("enabled false", "fp16.enabled or bf16.enabled", "Apex is Python's")
        .NoEffect("opt_level; cast_model_type; patch_torch_functions; keep_batchnorm_fp32; master_weights; loss_scale; min_loss_scale; max_loss_scale; num_losses; verbosity; cast_model_outputs", "of Apex");

    static KeyRows DataTypes => new KeyRows("data_types")
        .NoEffect("grad_accum_dtype", "gradients accumulate in the weights' type, and in float32 where ranks divide them", ValueKind.Text, choices: "fp16 bf16 bfp16 fp32")
        .NoEffect("param_dtype; buffer_dtype", "weights and buffers have the type that `trainer.precision` gives", ValueKind.Text);
}
