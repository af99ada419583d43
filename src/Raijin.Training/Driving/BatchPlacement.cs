namespace Raijin.Training;

/// <summary>The way of a batch from its loader to the step: the user's changes on the host, the transfer, the user's changes on the device.</summary>
sealed class BatchPlacement<TBatch>(Fabric fabric, ModuleOverrides<TBatch> overrides) where TBatch : IBatch<TBatch>
{
    public TBatch Place(TBatch batch)
    {
        if (overrides.BeforeTransfer is { } before) batch = before(batch);
        batch = overrides.Transfer is { } transfer ? fabric.Convert(transfer(batch, fabric.Device)) : fabric.Place(batch);
        return overrides.AfterTransfer is { } after ? after(batch) : batch;
    }
}
