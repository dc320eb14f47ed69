using System.Text;
using CsCheck;
using Pachyderm.Errors;

namespace Pachyderm.ObjectStores.Tests;

/// <summary>What every object store must do. A store's test class inherits it and gives an empty store.</summary>
public abstract class ObjectStoreConformance
{
    private static readonly string[] ModelKeys = ["a", "b/c", "b/d", "b/e/f", "g"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    protected abstract IObjectStore Store { get; }

    [Fact]
    public async Task An_object_reads_back_as_it_was_put()
    {
        byte[] content = RandomBytes(3_000_001);
        Assert.True(await PutAsync("a/b/c", content));
        Assert.Equal(content, await ReadAsync("a/b/c"));
        Assert.Equal(new ObjectProperties("a/b/c", content.Length), await Store.GetPropertiesAsync("a/b/c", Token));
    }

    [Fact]
    public async Task An_empty_object_exists()
    {
        Assert.True(await PutAsync("empty", []));
        Assert.Empty(await ReadAsync("empty"));
        Assert.Equal(0, (await Store.GetPropertiesAsync("empty", Token))!.Value.SizeBytes);
    }

    [Fact]
    public async Task What_was_never_put_is_null()
    {
        await PutAsync("dir/a", [1]);
        foreach (string key in (string[])["b", "dir", "dir/b", "dir/a/b"])
        {
            Assert.Null(await Store.GetPropertiesAsync(key, Token));
            Assert.Null(await Store.OpenReadAsync(key, 0, null, Token));
        }
    }

    [Fact]
    public async Task Without_overwriting_the_first_put_wins()
    {
        Assert.True(await PutAsync("k", [1], overwrite: false));
        Assert.False(await PutAsync("k", [2], overwrite: false));
        Assert.Equal([1], await ReadAsync("k"));
    }

    [Fact]
    public async Task With_overwriting_the_last_put_wins()
    {
        Assert.True(await PutAsync("k", [1, 2, 3], overwrite: true));
        Assert.True(await PutAsync("k", [4], overwrite: true));
        Assert.Equal([4], await ReadAsync("k"));
    }

    [Fact]
    public async Task Of_many_that_put_one_key_at_once_without_overwriting_exactly_one_wins()
    {
        bool[] won = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(i => Task.Run(() => PutAsync("race", [(byte)i], overwrite: false), Token)));
        Assert.Single(won, true);
        Assert.Equal([(byte)Array.IndexOf(won, true)], await ReadAsync("race"));
    }

    [Fact]
    public async Task An_open_reader_keeps_what_it_opened_when_the_object_is_replaced()
    {
        await PutAsync("k", [1, 2, 3]);
        await using Stream open = (await Store.OpenReadAsync("k", 0, null, Token))!;
        await PutAsync("k", [9, 9, 9, 9], overwrite: true);
        Assert.Equal([1, 2, 3], await DrainAsync(open));
    }

    [Theory]
    [InlineData(0, null, "0123456789")]
    [InlineData(0, 4L, "0123")]
    [InlineData(3, 4L, "3456")]
    [InlineData(7, 100L, "789")]
    [InlineData(7, null, "789")]
    [InlineData(3, 0L, "")]
    [InlineData(10, null, "")]
    [InlineData(11, 5L, "")]
    public async Task A_range_delivers_exactly_its_bytes(long offset, long? length, string expected)
    {
        await PutAsync("digits", "0123456789"u8.ToArray());
        await using Stream stream = (await Store.OpenReadAsync("digits", offset, length, Token))!;
        Assert.Equal(expected, Encoding.ASCII.GetString(await DrainAsync(stream)));
    }

    [Fact]
    public async Task A_negative_range_is_refused()
    {
        await PutAsync("k", [1]);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.OpenReadAsync("k", -1, null, Token));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Store.OpenReadAsync("k", 0, -1, Token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/etc/passwd")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../a")]
    [InlineData("a/../../b")]
    [InlineData("a/./b")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("a\\..\\b")]
    [InlineData(".pachyderm-tmp-1")]
    [InlineData("a/.pachyderm-tmp-1/b")]
    public async Task A_hostile_key_is_refused_by_every_call(string key)
    {
        await AssertRefusedAsync(() => PutAsync(key, [1]));
        await AssertRefusedAsync(() => Store.OpenReadAsync(key, 0, null, Token));
        await AssertRefusedAsync(() => Store.GetPropertiesAsync(key, Token));
        await AssertRefusedAsync(() => Store.DeleteAsync(key, Token));

        static async Task AssertRefusedAsync(Func<Task> call) =>
            Assert.Equal("object-key-refused", (await Assert.ThrowsAsync<OperatorException>(call)).Id);
    }

    [Fact]
    public async Task A_key_that_is_too_long_or_not_Unicode_is_refused()
    {
        foreach (string key in (string[])[new string('a', 256), string.Join('/', Enumerable.Repeat("abc", 400)), "a\ud800b"])
        {
            Assert.Equal("object-key-refused", (await Assert.ThrowsAsync<OperatorException>(() => PutAsync(key, [1]))).Id);
        }
    }

    [Fact]
    public async Task A_deleted_object_is_gone_and_deleting_again_is_no_error()
    {
        await PutAsync("a/b", [1]);
        await Store.DeleteAsync("a/b", Token);
        await Store.DeleteAsync("a/b", Token);
        await Store.DeleteAsync("never/was", Token);
        Assert.Null(await Store.GetPropertiesAsync("a/b", Token));
        Assert.Empty(await ListAsync(""));
        Assert.True(await PutAsync("a/b", [2], overwrite: false));
    }

    [Fact]
    public async Task A_listing_is_in_byte_order_of_whole_keys()
    {
        string[] keys = ["a", "a-b", "b/x", "b-c", "b0", "B", "b/y/z", "b/y-", "\u00e9", "\uffee", "\U0001F418", "z"];
        foreach (string key in keys)
        {
            await PutAsync(key, [1, 2]);
        }

        ObjectProperties[] listed = await ListAsync("");
        Assert.Equal<string>(keys.OrderBy(key => Convert.ToHexString(Encoding.UTF8.GetBytes(key)), StringComparer.Ordinal), listed.Select(o => o.Key), StringComparer.Ordinal);
        Assert.All(listed, o => Assert.Equal(2, o.SizeBytes));
    }

    [Theory]
    [InlineData("b", "b-c b/x b/y b0")]
    [InlineData("b/", "b/x b/y")]
    [InlineData("b/y", "b/y")]
    [InlineData("c", "")]
    [InlineData("c/d", "")]
    [InlineData("a/", "")]
    public async Task A_prefix_selects_the_keys_that_begin_with_it(string prefix, string expected)
    {
        foreach (string key in (string[])["a", "b/x", "b/y", "b-c", "b0"])
        {
            await PutAsync(key, [1]);
        }

        Assert.Equal(expected, string.Join(' ', (await ListAsync(prefix)).Select(o => o.Key)));
    }

    [Theory]
    [InlineData("../")]
    [InlineData("a/../../x")]
    [InlineData("/etc/")]
    public async Task A_prefix_that_leaves_the_store_is_refused(string prefix) =>
        Assert.Equal("object-key-refused", (await Assert.ThrowsAsync<OperatorException>(() => ListAsync(prefix))).Id);

    [Fact]
    public async Task A_put_whose_source_fails_stores_nothing()
    {
        InvalidDataException failure = new("source failed");
        FaultInjectingObjectStore failing = new(Store, call => new ObjectStoreFault(FaultMoment.During, failure));
        Assert.Same(failure, await Assert.ThrowsAsync<InvalidDataException>(() => failing.PutAsync("k", new MemoryStream(new byte[100_000]), false, Token)));
        Assert.Empty(await ListAsync(""));
    }

    [Fact]
    public async Task A_put_that_is_cancelled_stores_nothing_and_keeps_what_was_there()
    {
        await PutAsync("k", [1]);
        using CancellationTokenSource source = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.PutAsync("k", new CancellingStream(source), overwrite: true, source.Token));
        Assert.Equal([1], await ReadAsync("k"));
        Assert.Single(await ListAsync(""));
    }

    [Fact]
    public void A_store_behaves_like_a_map_from_keys_to_bytes() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, ModelKeys.Length - 1].Select(i => ModelKeys[i]), Gen.Byte).Array[1, 30].Sample(
            steps => RunAsync(steps).GetAwaiter().GetResult(), iter: 20, threads: 1);

    private async Task RunAsync((int Verb, string Key, byte Value)[] steps)
    {
        foreach (ObjectProperties left in await ListAsync(""))
        {
            await Store.DeleteAsync(left.Key, Token);
        }

        SortedDictionary<string, byte> model = new(StringComparer.Ordinal);
        foreach ((int verb, string key, byte value) in steps)
        {
            switch (verb)
            {
                case 0:
                    Assert.Equal(!model.ContainsKey(key), await PutAsync(key, [value], overwrite: false));
                    model.TryAdd(key, value);
                    break;
                case 1:
                    await PutAsync(key, [value], overwrite: true);
                    model[key] = value;
                    break;
                default:
                    await Store.DeleteAsync(key, Token);
                    model.Remove(key);
                    break;
            }
        }

        Assert.Equal<string>(model.Keys, (await ListAsync("")).Select(o => o.Key), StringComparer.Ordinal);
        foreach ((string key, byte value) in model)
        {
            Assert.Equal([value], await ReadAsync(key));
        }
    }

    private Task<bool> PutAsync(string key, byte[] content, bool overwrite = false) =>
        Store.PutAsync(key, new MemoryStream(content), overwrite, Token);

    private async Task<byte[]> ReadAsync(string key)
    {
        await using Stream? stream = await Store.OpenReadAsync(key, 0, null, Token);
        Assert.NotNull(stream);
        return await DrainAsync(stream);
    }

    private async Task<ObjectProperties[]> ListAsync(string prefix)
    {
        List<ObjectProperties> all = [];
        await foreach (ObjectProperties properties in Store.ListAsync(prefix, Token))
        {
            all.Add(properties);
        }

        return [.. all];
    }

    private static async Task<byte[]> DrainAsync(Stream stream)
    {
        using MemoryStream all = new();
        await stream.CopyToAsync(all, Token);
        return all.ToArray();
    }

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }

    // Cancels once some bytes were read, as an operator who presses Ctrl-C in the middle of a copy.
    private sealed class CancellingStream(CancellationTokenSource source) : MemoryStream(new byte[10_000_000])
    {
        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) =>
            CopyAsync(destination, cancellationToken);

        private async Task CopyAsync(Stream destination, CancellationToken cancellationToken)
        {
            await destination.WriteAsync(new byte[1000], cancellationToken);
            await source.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
