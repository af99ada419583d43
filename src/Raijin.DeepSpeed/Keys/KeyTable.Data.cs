namespace Raijin.DeepSpeed;

// What changes the data or the model on the way, little of which is there yet.
static partial class KeyTable
{
    const string OwnSampler = "a sampler or loader of your own";
    const string OfThat = "of what enabled would switch on";
    const string Pruning = "`ModelPruning`";

    static IReadOnlyList<KeyRows> Data =>
    [
        new KeyRows("curriculum_learning")
            .NotAvailable("enabled false", OwnSampler, "difficulty over steps is not there yet")
            .NoEffect("curriculum_type seqlen; min_difficulty; max_difficulty; schedule_type; schedule_config {}", OfThat, ValueKind.Any),
        new KeyRows("data_efficiency")
            .NotAvailable("enabled false", OwnSampler, "neither curriculum nor random layer-token dropping is there yet")
            .NoEffect("seed 1234", "`trainer.seed`"),
        new KeyRows("data_efficiency.data_sampling").NoEffect(
            "enabled false; num_epochs 1000; num_workers 0; pin_memory false; curriculum_learning {}; dynamic_batching {}", "of what data_efficiency.enabled would switch on"),
        new KeyRows("data_efficiency.data_routing").NoEffect("enabled false; random_ltd {}", "of what data_efficiency.enabled would switch on"),
        new KeyRows("eigenvalue").NoEffect(
            "enabled false; verbose false; max_iter 100; tol 0.01; stability 0.000001; gas_boundary_resolution 1; layer_name bert.encoder.layer; layer_num 0; model_name", "DeepSpeed switches it off too", ValueKind.Any),
        new KeyRows("quantize_training")
            .NotAvailable("enabled false", "`raijin checkpoint convert`", "weights are quantized after training")
            .NoEffect("quantize_bits {}; quantize_schedule {}; quantize_groups 1; quantize_type symmetric; quantize_algo {}; quantize_verbose false; quantizer_kernel false; quantize_eigenvalue false; fp16_mixed_quantize {}; eigenvalue {}", OfThat, ValueKind.Any),
    ];

    static IReadOnlyList<KeyRows> Compression =>
    [
        new KeyRows("compression_training.weight_quantization.shared_parameters")
            .NotAvailable("enabled false", "`raijin checkpoint convert`", "weights are quantized after training")
            .NoEffect("quantizer_kernel false; schedule_offset 0; quantize_groups 1; quantize_verbose false; quantization_type symmetric; quantize_weight_in_forward false; rounding nearest; fp16_mixed_quantize {}", OfThat),
        new KeyRows("compression_training.weight_quantization").NoEffect("different_groups {}", OfThat),
        new KeyRows("compression_training.activation_quantization.shared_parameters")
            .NotAvailable("enabled false", "`trainer.precision`", "activations are not quantized")
            .NoEffect("quantization_type symmetric; range_calibration dynamic; schedule_offset 1000", OfThat),
        new KeyRows("compression_training.activation_quantization").NoEffect("different_groups {}", OfThat),
        new KeyRows("compression_training.sparse_pruning.shared_parameters")
            .NotAvailable("enabled false", Pruning, "a callback, by share and by steps")
            .NoEffect("schedule_offset 1000; schedule_offset_end; schedule_offset_stride 1; method l1; block_pattern 4x1; dense_ratio 0.1; excluded_modules []", OfThat, ValueKind.Any),
        new KeyRows("compression_training.sparse_pruning").NoEffect("different_groups {}", OfThat),
        new KeyRows("compression_training.row_pruning.shared_parameters").NotAvailable("enabled false", Pruning, "rows are a dimension of it").NoEffect("schedule_offset 1000; method l1", OfThat),
        new KeyRows("compression_training.row_pruning").NoEffect("different_groups {}", OfThat),
        new KeyRows("compression_training.head_pruning.shared_parameters").NotAvailable("enabled false", Pruning, "heads are not counted").NoEffect("schedule_offset 1000; method topk; num_heads", OfThat, ValueKind.Any),
        new KeyRows("compression_training.head_pruning").NoEffect("different_groups {}", OfThat),
        new KeyRows("compression_training.channel_pruning.shared_parameters").NotAvailable("enabled false", Pruning, "channels are a dimension of it").NoEffect("schedule_offset 1000; method l1", OfThat),
        new KeyRows("compression_training.channel_pruning").NoEffect("different_groups {}", OfThat),
        new KeyRows("compression_training.layer_reduction")
            .NotAvailable("enabled false", "a smaller model", "a student takes its teacher's weights by name")
            .NoEffect("keep_number_layer; module_name_prefix; teacher_layer; other_module_name", OfThat),
        new KeyRows("weight_quantization").NoEffect("enabled false; num_bits 8; q_type symmetric; q_groups 1; quantized_initialization {}; post_init_quant {}", "of inference"),
    ];
}
