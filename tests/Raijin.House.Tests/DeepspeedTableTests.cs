namespace Raijin.House.Tests;

/// <summary>The page for those who come from DeepSpeed names nothing that isn't there, and says of everything else that it is missing.</summary>
public sealed class DeepspeedTableTests() : MigrationPageTests("docs/coming-from-deepspeed.md", "DeepSpeed", "none", "not yet")
{
    [Fact]
    public void Our_types_in_remarks_and_prose_exist()
    {
        var remarks = Rows.SelectMany(row => row.CodeIn(2).Where(code => code.Contains('.', StringComparison.Ordinal) && char.IsUpper(code[0])).Select(code => (row.Line, Code: code)));
        Assert.Empty(remarks.SelectMany(r => PublicNames.UnknownIn(r.Code).Select(name => $"{Page}:{r.Line} {name}")));
    }

    [Theory]
    [InlineData("module")]
    [InlineData("engine")]
    [InlineData("accessors")]
    [InlineData("utils")]
    [InlineData("zero")]
    [InlineData("comm")]
    [InlineData("groups")]
    [InlineData("checkpointing")]
    [InlineData("pipe")]
    [InlineData("bin")]
    public void Every_public_name_of_theirs_has_a_row(string group)
    {
        var names = Tree.Lines("tests/Raijin.House.Tests/Recordings/deepspeed-names.txt").Single(line => line.StartsWith(group + ":", StringComparison.Ordinal)).Split(' ').Skip(1).ToList();
        Assert.NotEmpty(names);
        var theirs = Rows.SelectMany(row => row.CodeIn(0)).Select(code => code.Split('(')[0]).ToList();
        var rows = theirs.Concat(theirs.Select(code => code.Split('.')[^1])).ToHashSet();
        // What only reads the configuration is named by its beginning or end.
        List<string[]> parts = group is "engine" or "accessors" ? [.. theirs.Where(code => code.Contains('*', StringComparison.Ordinal)).Select(code => code.Split('*'))] : [];
        var missing = names.Where(name => !rows.Contains(name) && !parts.Exists(part => name.StartsWith(part[0], StringComparison.Ordinal) && name.EndsWith(part[^1], StringComparison.Ordinal) && part.All(name.Contains))).ToList();
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_section_of_their_file_has_a_row()
    {
        var lines = Tree.Lines("docs/deepspeed-config.md");
        var sections = lines.Where(line => line.StartsWith("### ", StringComparison.Ordinal) && line.Contains('`', StringComparison.Ordinal)).Select(line => line.Split('`')[1].Split('.')[0]);
        var top = DocTable.Of("docs/deepspeed-config.md").First(table => table.Header[0] == "key" && table.Header.Contains("class")).Rows.Select(row => row.CodeIn(0).First());
        List<string> all = [.. sections.Concat(top).Distinct()];
        Assert.True(all.Count > 50);
        Assert.Empty(all.Except(Rows.SelectMany(row => row.CodeIn(0))));
    }

    [Fact]
    public void Every_difference_is_said() => Assert.Empty(Rows.Where(row => row.Cells[2] == "–").Select(row => $"{Page}:{row.Line}"));

    [Fact]
    public void Every_key_of_their_zero_has_a_row()
    {
        string[] keys =
        [
            "offload_optimizer", "offload_param", "ratio", "sub_group_size", "overlap_comm", "reduce_bucket_size", "allgather_bucket_size", "reduce_scatter", "allgather_partitions", "contiguous_gradients",
            "round_robin_gradients", "use_multi_rank_bucket_allreduce", "ignore_unused_parameters", "elastic_checkpoint", "load_from_fp32_weights", "leaf_module", "enable_sanity_checks",
            "stage3_prefetch_bucket_size", "stage3_max_live_parameters", "stage3_max_reuse_distance", "stage3_param_persistence_threshold", "stage3_model_persistence_threshold",
            "stage3_module_granularity_threshold", "stage3_gather_16bit_weights_on_model_save", "mics_shard_size", "mics_hierarchical_params_gather", "zero_hpz_partition_size",
            "zero_quantized_weights", "zero_quantized_gradients", "zero_quantized_nontrainable_weights", "zeropp_loco_param", "zenflow",
        ];
        Assert.Empty(keys.Except(Rows.SelectMany(row => row.CodeIn(0)).Select(code => code.Split(':')[0])));
    }
}
