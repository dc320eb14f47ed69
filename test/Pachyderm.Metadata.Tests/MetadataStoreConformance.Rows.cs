namespace Pachyderm.Metadata.Tests;

public abstract partial class MetadataStoreConformance
{
    [Fact]
    public async Task A_row_is_found_by_its_space_and_key()
    {
        await WriteAsync(writer =>
        {
            writer.PutRow(1, Bytes("a"), Bytes("old"));
            writer.PutRow(1, Bytes("a"), Bytes("one"));
            writer.PutRow(2, Bytes("a"), []);
        });

        Assert.Equal("one", await ReadAsync(reader => Text(reader.FindRow(1, Bytes("a"))!.Value)));
        Assert.Equal("", await ReadAsync(reader => Text(reader.FindRow(2, Bytes("a"))!.Value)));
        Assert.Null(await ReadAsync(reader => reader.FindRow(3, Bytes("a"))));
        Assert.Equal((true, false), await ReadAsync(reader => (reader.HasRow(2, Bytes("a")), reader.HasRow(2, Bytes("b")))));
    }

    [Fact]
    public async Task A_deleted_row_is_gone_and_the_others_stay()
    {
        await WriteAsync(writer =>
        {
            writer.PutRow(1, Bytes("a"), Bytes("1"));
            writer.PutRow(2, Bytes("a"), Bytes("2"));
        });
        await WriteAsync(writer =>
        {
            writer.DeleteRow(1, Bytes("a"));
            writer.DeleteRow(1, Bytes("missing"));
        });

        Assert.Null(await ReadAsync(reader => reader.FindRow(1, Bytes("a"))));
        Assert.Equal("2", await ReadAsync(reader => Text(reader.FindRow(2, Bytes("a"))!.Value)));
    }

    [Fact]
    public async Task Rows_are_listed_in_the_order_of_the_bytes_of_their_keys()
    {
        byte[][] keys = [[], [0], [0, 0], [0, 255], [1], [254, 255], [255], [255, 0], [255, 255, 255]];
        await WriteAsync(writer =>
        {
            foreach (byte[] key in keys.Reverse())
            {
                writer.PutRow(1, key, key);
            }
        });

        Assert.Equal(keys, await ListAsync([], null, 100));
        Assert.Equal(keys[1..4], await ListAsync([0], null, 100));
        Assert.Equal(keys[6..], await ListAsync([255], null, 100));
        Assert.Equal(keys[7..8], await ListAsync([255], keys[6], 1));
        Assert.Equal(keys[6..], await ListAsync([255], [3], 100));
        Assert.Equal(keys[1..3], await ListAsync([], [], 2));
        Assert.Empty(await ListAsync([0], [7], 100));
        Assert.Empty(await ListAsync([2], null, 100));

        async Task<byte[][]> ListAsync(byte[] prefix, byte[]? after, int limit) => await ReadAsync(
            reader => reader.ListRows(1, prefix, after is null ? null : (ReadOnlyMemory<byte>?)after, limit).Select(row => row.Key.ToArray()).ToArray());
    }

    [Fact]
    public async Task A_revision_that_was_taken_is_above_all_before_and_below_all_after()
    {
        await WriteAsync(writer => writer.PutRepo(Repo("a")));
        long taken = await Store.WriteAsync(static writer => writer.TakeRevision(), Token);
        await WriteAsync(writer => writer.PutRepo(Repo("b")));

        Assert.InRange(taken, await ReadAsync(reader => reader.FindRepo("a")!.Revision) + 1, await ReadAsync(reader => reader.FindRepo("b")!.Revision) - 1);
    }
}
