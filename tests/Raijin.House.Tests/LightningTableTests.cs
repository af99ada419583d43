namespace Raijin.House.Tests;

/// <summary>The page for those who come from Lightning is complete, and names nothing that isn't there.</summary>
public sealed class LightningTableTests() : MigrationPageTests("docs/coming-from-lightning.md", "Lightning", "none", "not yet", "with the server")
{
    [Fact]
    public void Every_flag_of_their_trainer_has_a_row()
    {
        string[] flags =
        [
            "accelerator", "strategy", "devices", "num_nodes", "precision", "logger", "callbacks", "fast_dev_run", "max_epochs", "min_epochs", "max_steps", "min_steps", "max_time",
            "limit_train_batches", "limit_val_batches", "limit_test_batches", "limit_predict_batches", "overfit_batches", "val_check_interval", "check_val_every_n_epoch",
            "num_sanity_val_steps", "log_every_n_steps", "enable_checkpointing", "enable_progress_bar", "enable_model_summary", "accumulate_grad_batches", "gradient_clip_val",
            "gradient_clip_algorithm", "deterministic", "benchmark", "inference_mode", "use_distributed_sampler", "profiler", "detect_anomaly", "barebones", "plugins", "sync_batchnorm",
            "reload_dataloaders_every_n_epochs", "default_root_dir", "enable_autolog_hparams", "model_registry", "suggest_integrations",
        ];
        Assert.Equal(42, flags.Length);
        Assert.Empty(flags.Except(Theirs()));
    }

    [Fact]
    public void Every_hook_of_theirs_has_a_row()
    {
        string[] phases = ["train", "validation", "test", "predict"];
        string[] hooks =
        [
            "setup", "teardown", "on_fit_start", "on_fit_end", "on_exception", "on_sanity_check_start", "on_sanity_check_end",
            .. phases.SelectMany(p => new[] { $"on_{p}_start", $"on_{p}_end", $"on_{p}_epoch_start", $"on_{p}_epoch_end", $"on_{p}_batch_start", $"on_{p}_batch_end" }),
            "on_before_backward", "on_after_backward", "on_before_optimizer_step", "on_before_zero_grad",
            "state_dict", "load_state_dict", "on_save_checkpoint", "on_load_checkpoint",
            "prepare_data", "configure_callbacks", "configure_model", "configure_optimizers", "configure_gradient_clipping", "configure_sharded_model",
            "on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer",
            "optimizer_step", "optimizer_zero_grad", "lr_scheduler_step", "backward", "clip_gradients",
            "on_validation_model_zero_grad", "on_validation_model_eval", "on_validation_model_train", "on_test_model_eval", "on_test_model_train", "on_predict_model_eval",
        ];
        Assert.Empty(hooks.Except(Theirs()));
    }

    [Fact]
    public void Every_hook_of_ours_is_in_the_table_and_in_the_guide()
    {
        var hooks = typeof(Callback).GetMethods().Select(m => m.Name).Where(name => name.StartsWith("On", StringComparison.Ordinal)).ToList();
        Assert.True(hooks.Count > 30);
        Assert.Empty(hooks.Except(Rows.SelectMany(row => row.CodeIn(1)).SelectMany(code => code.Split('.'))));
        Assert.Empty(hooks.Except(DocTable.Of("docs/guides/hooks.md").SelectMany(t => t.Rows).SelectMany(row => row.CodeIn(0))));
    }

    HashSet<string> Theirs() => [.. Rows.SelectMany(row => row.CodeIn(0)).Select(code => code.Split('=', '(')[0])];
}
