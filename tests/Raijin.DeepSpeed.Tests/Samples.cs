namespace Raijin.DeepSpeed.Tests;

/// <summary>Small configurations, in the shapes that are found in the wild.</summary>
static class Samples
{
    public const string Plain = """
        {
          "train_micro_batch_size_per_gpu": 4,
          "gradient_accumulation_steps": 2,
          "optimizer": { "type": "AdamW", "params": { "lr": 3e-4, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1 } },
          "scheduler": { "type": "WarmupDecayLR", "params": { "warmup_min_lr": 0, "warmup_max_lr": 3e-4, "warmup_num_steps": 10, "total_num_steps": 100 } },
          "zero_optimization": { "stage": 2, "overlap_comm": true, "reduce_bucket_size": 5e8, "offload_optimizer": { "device": "cpu", "pin_memory": true } },
          "gradient_clipping": 1.0,
          "bf16": { "enabled": true },
          "steps_per_print": 20,
          "wall_clock_breakdown": false
        }
        """;

    public const string Lenient = """
        // What Hjson allows.
        {
          train_batch_size: 16   # all ranks
          'gradient_accumulation_steps': 2,
          /* a comment
             over lines */
          "zero_optimization": {
            stage: 3,
            offload_param: { device: "cpu", },
          },
          optimizer: {
            type: Adam
            params: { lr: 1e-3 }
          }
          fp16: { enabled: true, loss_scale: 0 }
        }
        """;

    public const string Auto = """
        {
          "fp16": { "enabled": "auto", "loss_scale": 0, "loss_scale_window": 1000, "initial_scale_power": 16, "hysteresis": 2, "min_loss_scale": 1 },
          "bf16": { "enabled": "auto" },
          "optimizer": { "type": "AdamW", "params": { "lr": "auto", "betas": "auto", "eps": "auto", "weight_decay": "auto" } },
          "scheduler": { "type": "WarmupLR", "params": { "warmup_min_lr": "auto", "warmup_max_lr": "auto", "warmup_num_steps": "auto" } },
          "zero_optimization": {
            "stage": 3, "reduce_bucket_size": "auto", "stage3_prefetch_bucket_size": "auto", "stage3_param_persistence_threshold": "auto",
            "stage3_max_live_parameters": 1e9, "stage3_gather_16bit_weights_on_model_save": true
          },
          "gradient_accumulation_steps": "auto", "gradient_clipping": "auto", "train_batch_size": "auto", "train_micro_batch_size_per_gpu": "auto"
        }
        """;

    public const string Elastic = """
        { "elasticity": { "enabled": true, "max_train_batch_size": 10000, "micro_batch_sizes": [8, 12, 16, 17], "min_gpus": 32, "max_gpus": 1500, "min_time": 20, "version": 0.1 },
          "zero_optimization": true, "data_types": { "grad_accum_dtype": "fp32" }, "compression_training": { "layer_reduction": { "enabled": false } } }
        """;

    public static IReadOnlyList<string> All { get; } = [Plain, Lenient, Auto, Elastic];

    /// <summary>The faults of a text, at so many ranks, as lines.</summary>
    public static IReadOnlyList<string> Faults(string text, int ranks = 1)
    {
        try
        {
            DeepSpeedConfig.Parse(text, "ds.json").Resolve(ranks);
            return [];
        }
        catch (InvalidOptionsException error)
        {
            return [.. error.Faults.Select(fault => $"{fault.Key}: {fault.Message}")];
        }
    }
}
