using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Tests;

namespace Pachyderm.Formats.Tests.Content;

public sealed class LegacyContentStoreTests
{
    public static TheoryData<string, string, LayoutKind, int> Stores => new()
    {
        { "pachyderm-1.4.8-small", "object-store.tar.gz", LayoutKind.Local, 203 },
        { "pachyderm-1.4.8-dirty", "object-store.tar.gz", LayoutKind.Local, 210 },
        { "pachyderm-1.5.3-small", "object-store.tar.gz", LayoutKind.Local, 177 },
        { "pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz", LayoutKind.Cloud, 209 },
        { "pachyderm-1.4.8-objstore", "object-store.tar.gz", LayoutKind.Cloud, 209 },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Missing { get; } = new('0', 128);

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Every_object_of_a_genuine_cluster_verifies(string set, string archive, LayoutKind layout, int objects)
    {
        using FixtureContent fixture = new(set, archive);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Directory, Token);
        Assert.Equal(layout, store.Layout);
        Assert.Equal(fixture.Root, store.RootPath);

        List<ContentObject> listed = await store.ListObjectsAsync(Token).ToListAsync(Token);
        Assert.Equal(objects, listed.Count);
        Assert.Equal(listed.Select(o => o.Hash).Order(StringComparer.Ordinal), listed.Select(o => o.Hash), StringComparer.Ordinal);
        foreach (ContentObject item in listed)
        {
            Assert.Equal(new ObjectCheck(ObjectStatus.Sound, item.SizeBytes, null), await store.VerifyObjectAsync(item.Hash, Token));
            Assert.True(await store.ObjectExistsAsync(item.Hash, Token));
            Assert.Equal(item.SizeBytes, await store.GetObjectSizeAsync(item.Hash, Token));
        }
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Every_commit_reads_as_the_real_client_reported_it(string set, string archive, LayoutKind layout, int objects)
    {
        _ = (layout, objects);
        using FixtureContent fixture = new(set, archive);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        using JsonDocument expected = FixtureContent.Expected(set);
        int trees = 0;
        int files = 0;
        foreach ((string repo, string id, string? treeHash, JsonElement reported) in FixtureContent.Commits(expected))
        {
            if (treeHash is null)
            {
                continue;
            }

            HashTree tree = await store.ReadHashTreeAsync(treeHash, Token);
            Assert.Null(tree.Verify());
            trees++;
            foreach (JsonElement file in reported.EnumerateArray())
            {
                string path = file.GetProperty("path").GetString()!;
                HashTreeNode? node = tree.Find(path);
                Assert.True(node is not null, $"{repo}@{id}:{path}");
                Assert.Equal(file.GetProperty("type").GetString(), node.IsDirectory ? "DIR" : "FILE");
                Assert.Equal(file.GetProperty("size").GetInt64(), node.SizeBytes);
                Assert.Equal(file.GetProperty("hash_hex").GetString(), Convert.ToHexStringLower(node.Hash.Span));
                if (!node.IsDirectory)
                {
                    Assert.Equal(file.GetProperty("sha256").GetString(), await HashContentAsync(store, node));
                    files++;
                }
            }

            Assert.Equal(reported.GetArrayLength(), tree.Count);
        }

        Assert.True(trees > 30 && files > 100, $"{trees} trees, {files} files");
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Every_tag_resolves_to_an_object_that_exists(string set, string archive, LayoutKind layout, int objects)
    {
        _ = (layout, objects);
        using FixtureContent fixture = new(set, archive);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        List<ContentTag> tags = await store.ListTagsAsync("", Token).ToListAsync(Token);
        Assert.True(tags.Count > 35, $"{tags.Count} tags");
        Assert.Equal(tags.Select(t => t.Name).Order(StringComparer.Ordinal), tags.Select(t => t.Name), StringComparer.Ordinal);
        foreach (ContentTag tag in tags)
        {
            Assert.Equal(tag.ObjectHash, await store.ResolveTagAsync(tag.Name, Token));
            Assert.True(await store.ObjectExistsAsync(tag.ObjectHash, Token));
        }

        string prefix = tags[0].Name[..4];
        Assert.Equal(
            tags.Where(tag => tag.Name.StartsWith(prefix, StringComparison.Ordinal)),
            await store.ListTagsAsync(prefix, Token).ToListAsync(Token));
    }

    [Fact]
    public async Task Compaction_changes_neither_objects_nor_tags()
    {
        using FixtureContent before = new("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz");
        using FixtureContent after = new("pachyderm-1.4.8-objstore");
        LegacyContentStore old = await LegacyContentStore.OpenAsync(before.Root, Token);
        LegacyContentStore compacted = await LegacyContentStore.OpenAsync(after.Root, Token);
        Assert.Equal(await old.ListObjectsAsync(Token).ToListAsync(Token), await compacted.ListObjectsAsync(Token).ToListAsync(Token));
        Assert.Equal(await old.ListTagsAsync("", Token).ToListAsync(Token), await compacted.ListTagsAsync("", Token).ToListAsync(Token));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task What_is_not_there_is_missing_and_names_that_are_none_are_refused(string set, string archive, LayoutKind layout, int objects)
    {
        _ = (layout, objects);
        using FixtureContent fixture = new(set, archive);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        Assert.False(await store.ObjectExistsAsync(Missing, Token));
        Assert.Null(await store.GetObjectSizeAsync(Missing, Token));
        Assert.Null(await store.OpenObjectAsync(Missing, Token));
        Assert.Equal(ObjectStatus.Missing, (await store.VerifyObjectAsync(Missing, Token)).Status);
        Assert.Null(await store.ResolveTagAsync("nothing", Token));
        Assert.Null(await store.ResolveTagAsync("n", Token));
        Assert.Equal("object-missing", (await Assert.ThrowsAsync<OperatorException>(() => store.ReadHashTreeAsync(Missing, Token))).Id);
        foreach (string name in (string[])["../../../etc/passwd", "", "ABC", new string('A', 128)])
        {
            Assert.Equal("object-name-refused", (await Assert.ThrowsAsync<OperatorException>(() => store.ObjectExistsAsync(name, Token))).Id);
        }

        foreach (string name in (string[])["../object", "", ".", "a/b"])
        {
            Assert.Equal("tag-name-refused", (await Assert.ThrowsAsync<OperatorException>(() => store.ResolveTagAsync(name, Token))).Id);
        }
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task A_tag_is_added_once_never_changed_and_taken_away_again(string set, string archive, LayoutKind layout, int objects)
    {
        _ = objects;
        using FixtureContent fixture = new(set, archive);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        List<ContentObject> all = await store.ListObjectsAsync(Token).ToListAsync(Token);
        List<ContentTag> before = await store.ListTagsAsync("", Token).ToListAsync(Token);

        Assert.True(await store.AddTagAsync("new-tag", all[0].Hash, Token));
        Assert.False(await store.AddTagAsync("new-tag", all[0].Hash, Token));
        Assert.Equal("tag-conflict", (await Assert.ThrowsAsync<OperatorException>(() => store.AddTagAsync("new-tag", all[1].Hash, Token))).Id);
        Assert.Equal("object-missing", (await Assert.ThrowsAsync<OperatorException>(() => store.AddTagAsync("other", Missing, Token))).Id);
        Assert.Equal("tag-conflict", (await Assert.ThrowsAsync<OperatorException>(
            () => store.AddTagAsync(before[0].Name, all.First(o => !string.Equals(o.Hash, before[0].ObjectHash, StringComparison.Ordinal)).Hash, Token))).Id);
        Assert.False(await store.AddTagAsync(before[0].Name, before[0].ObjectHash, Token));

        LegacyContentStore again = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        Assert.Equal(all[0].Hash, await again.ResolveTagAsync("new-tag", Token));
        Assert.Contains(new ContentTag("new-tag", all[0].Hash), await again.ListTagsAsync("new", Token).ToListAsync(Token));
        FileInfo file = new(Path.Combine(fixture.Root, "tag", "new-tag"));
        if (layout == LayoutKind.Local)
        {
            Assert.Equal("/pach/object/" + all[0].Hash, file.LinkTarget);
        }
        else
        {
            // tags{ key "new-tag", value Object{hash} }, as the specification of ObjectIndex has it.
            byte[] expected = [0x12, 0x8f, 0x01, 0x0a, 0x07, .. "new-tag"u8, 0x12, 0x83, 0x01, 0x0a, 0x80, 0x01, .. Encoding.ASCII.GetBytes(all[0].Hash)];
            Assert.Equal(expected, await File.ReadAllBytesAsync(file.FullName, Token));
        }

        Assert.True(await store.RemoveTagAsync("new-tag", Token));
        Assert.False(await store.RemoveTagAsync("new-tag", Token));
        Assert.Equal(before, await store.ListTagsAsync("", Token).ToListAsync(Token));
    }

    [Fact]
    public async Task A_tag_of_an_index_is_not_removed()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-objstore");
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        ContentTag tag = await store.ListTagsAsync("", Token).FirstAsync(Token);
        Assert.False(await store.RemoveTagAsync(tag.Name, Token));
        Assert.Equal(tag.ObjectHash, await store.ResolveTagAsync(tag.Name, Token));
    }

    [Fact]
    public async Task A_tag_of_one_character_has_an_index_of_one_character()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-objstore");
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        string hash = (await store.ListObjectsAsync(Token).FirstAsync(Token)).Hash;
        Assert.True(await store.AddTagAsync("z", hash, Token));
        Directory.Move(Path.Combine(fixture.Root, "tag", "z"), Path.Combine(fixture.Root, "index", "z"));
        Assert.Equal(hash, await store.ResolveTagAsync("z", Token));
        Assert.Contains(new ContentTag("z", hash), await store.ListTagsAsync("z", Token).ToListAsync(Token));
        Assert.False(await store.AddTagAsync("z", hash, Token));
    }

    [Fact]
    public async Task A_compaction_between_two_look_ups_loses_nothing()
    {
        using FixtureContent before = new("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz");
        using FixtureContent after = new("pachyderm-1.4.8-objstore");
        LegacyContentStore store = await LegacyContentStore.OpenAsync(before.Root, Token);
        List<ContentTag> tags = await store.ListTagsAsync("", Token).ToListAsync(Token);
        Assert.All(tags, tag => Assert.Equal(tag.ObjectHash, store.ResolveTagAsync(tag.Name, Token).GetAwaiter().GetResult()));
        Directory.Delete(before.Root, recursive: true);
        Directory.Move(after.Root, before.Root);
        foreach (ContentTag tag in tags)
        {
            Assert.Equal(tag.ObjectHash, await store.ResolveTagAsync(tag.Name, Token));
            Assert.Equal(ObjectStatus.Sound, (await store.VerifyObjectAsync(tag.ObjectHash, Token)).Status);
        }
    }

    [Theory]
    [InlineData("pachyderm-1.4.8-small", "object-store.tar.gz", "object")]
    [InlineData("pachyderm-1.4.8-objstore", "object-store.tar.gz", "block")]
    [InlineData("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz", "block")]
    public async Task A_flipped_bit_is_damage(string set, string archive, string directory)
    {
        using FixtureContent fixture = new(set, archive);
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        string path = Directory.GetFiles(Path.Combine(fixture.Root, directory)).OrderByDescending(f => new FileInfo(f).Length).First();
        FlipBit(path, 100);
        int damaged = 0;
        await foreach (ContentObject item in store.ListObjectsAsync(Token))
        {
            ObjectCheck check = await store.VerifyObjectAsync(item.Hash, Token);
            damaged += check.Status == ObjectStatus.Damaged ? 1 : 0;
            Assert.Equal(check.Status == ObjectStatus.Sound, check.Problem is null);
        }

        Assert.Equal(1, damaged);
    }

    [Fact]
    public async Task A_block_that_is_missing_or_too_short_is_damage_of_the_objects_in_it()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-objstore");
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        string block = Assert.Single(Directory.GetFiles(Path.Combine(fixture.Root, "block")));
        string hash = (await store.ListObjectsAsync(Token).OrderByDescending(o => o.SizeBytes).FirstAsync(Token)).Hash;
        await using (FileStream file = File.OpenWrite(block))
        {
            file.SetLength(1000);
        }

        await AssertDamagedAsync("should have at least");
        File.Delete(block);
        await AssertDamagedAsync("does not exist");

        async Task AssertDamagedAsync(string problem)
        {
            Assert.False(await store.ObjectExistsAsync(hash, Token));
            CorruptionException damage = await Assert.ThrowsAsync<CorruptionException>(() => store.OpenObjectAsync(hash, Token));
            Assert.Contains(hash, damage.Message, StringComparison.Ordinal);
            Assert.Contains(problem, damage.Message, StringComparison.Ordinal);
            Assert.Equal(ObjectStatus.Damaged, (await store.VerifyObjectAsync(hash, Token)).Status);
        }
    }

    [Fact]
    public async Task Damaged_references_are_named()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz");
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        string hash = (await store.ListObjectsAsync(Token).FirstAsync(Token)).Hash;
        ContentTag tag = await store.ListTagsAsync("", Token).FirstAsync(Token);
        await File.WriteAllBytesAsync(Path.Combine(fixture.Root, "object", hash), [0xff, 0xff], Token);
        await File.WriteAllBytesAsync(Path.Combine(fixture.Root, "tag", tag.Name), [0x12, 0x7f], Token);
        Directory.CreateDirectory(Path.Combine(fixture.Root, "index"));
        await File.WriteAllBytesAsync(Path.Combine(fixture.Root, "index", "zz"), [0x0a, 0x7f], Token);

        Assert.Equal(ObjectStatus.Damaged, (await store.VerifyObjectAsync(hash, Token)).Status);
        Assert.Equal("tag-damaged", (await Assert.ThrowsAsync<CorruptionException>(() => store.ResolveTagAsync(tag.Name, Token))).Id);
        Assert.Equal("index-damaged", (await Assert.ThrowsAsync<CorruptionException>(() => store.ResolveTagAsync("zz-tag", Token))).Id);
        await Assert.ThrowsAsync<CorruptionException>(async () => await store.ListObjectsAsync(Token).CountAsync(Token));
        await Assert.ThrowsAsync<CorruptionException>(async () => await store.ListTagsAsync("", Token).CountAsync(Token));
    }

    [Fact]
    public async Task A_reference_that_leads_out_of_the_store_is_damage()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-objstore", "object-store-before-compaction.tar.gz");
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        await File.WriteAllTextAsync(Path.Combine(fixture.Directory, "secret"), "secret", Token);
        byte[] block = "../../../secret"u8.ToArray();
        byte[] reference = [0x0a, (byte)(block.Length + 2), 0x0a, (byte)block.Length, .. block, 0x12, 0x02, 0x10, 0x06];
        await File.WriteAllBytesAsync(Path.Combine(fixture.Root, "object", Missing), reference, Token);
        Assert.Equal(ObjectStatus.Damaged, (await store.VerifyObjectAsync(Missing, Token)).Status);
        Assert.False(await store.ObjectExistsAsync(Missing, Token));
    }

    [Fact]
    public async Task In_the_local_layout_links_are_read_but_never_followed()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-small");
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        string secret = Path.Combine(fixture.Directory, "secret");
        await File.WriteAllTextAsync(secret, "secret", Token);
        File.CreateSymbolicLink(Path.Combine(fixture.Root, "object", Missing), secret);
        File.CreateSymbolicLink(Path.Combine(fixture.Root, "tag", "odd"), secret);
        await File.WriteAllTextAsync(Path.Combine(fixture.Root, "tag", "plain"), "no link", Token);

        Assert.Equal(ObjectStatus.Damaged, (await store.VerifyObjectAsync(Missing, Token)).Status);
        await Assert.ThrowsAsync<CorruptionException>(() => store.OpenObjectAsync(Missing, Token));
        Assert.Equal("tag-damaged", (await Assert.ThrowsAsync<CorruptionException>(() => store.ResolveTagAsync("odd", Token))).Id);
        Assert.Equal("tag-damaged", (await Assert.ThrowsAsync<CorruptionException>(() => store.ResolveTagAsync("plain", Token))).Id);
        Assert.False(await store.RemoveTagAsync("plain", Token));
    }

    [Fact]
    public async Task A_new_tag_points_where_its_siblings_point()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-small");
        string tags = Path.Combine(fixture.Root, "tag");
        foreach (FileSystemInfo tag in new DirectoryInfo(tags).EnumerateFileSystemInfos().ToList())
        {
            tag.Delete();
        }

        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);
        string hash = (await store.ListObjectsAsync(Token).FirstAsync(Token)).Hash;
        File.CreateSymbolicLink(Path.Combine(tags, "sibling"), "/data/root/object/" + hash);
        Assert.True(await store.AddTagAsync("new", hash, Token));
        Assert.Equal("/data/root/object/" + hash, new FileInfo(Path.Combine(tags, "new")).LinkTarget);
    }

    [Fact]
    public async Task A_directory_that_is_no_storage_root_is_refused()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-small");
        Assert.Equal("content-store-not-found", (await Assert.ThrowsAsync<OperatorException>(
            () => LegacyContentStore.OpenAsync(Path.Combine(fixture.Root, "tag"), Token))).Id);
        await File.WriteAllTextAsync(Path.Combine(fixture.Root, "block", "0123"), "block", Token);
        Assert.Equal("content-layout-mixed", (await Assert.ThrowsAsync<OperatorException>(
            () => LegacyContentStore.OpenAsync(fixture.Root, Token))).Id);
    }

    [Fact]
    public async Task The_change_stamp_tells_of_added_and_removed_files()
    {
        using FixtureContent fixture = new("pachyderm-1.4.8-small");
        LegacyContentStore store = await LegacyContentStore.OpenAsync(fixture.Root, Token);

        // The clock of the file system ticks slowly: without this, unpacking and deleting could fall into one tick.
        Directory.SetLastWriteTimeUtc(Path.Combine(fixture.Root, "object"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        string before = store.GetChangeStamp();
        Assert.Equal(before, store.GetChangeStamp());
        File.Delete(Directory.GetFiles(Path.Combine(fixture.Root, "object"))[0]);
        Assert.NotEqual(before, store.GetChangeStamp(), StringComparer.Ordinal);
    }

    private static async Task<string> HashContentAsync(LegacyContentStore store, HashTreeNode file)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[65536];
        foreach (string name in file.Objects)
        {
            await using Stream content = (await store.OpenObjectAsync(name, Token))!;
            int read;
            while ((read = await content.ReadAsync(buffer, Token)) > 0)
            {
                hash.AppendData(buffer, 0, read);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void FlipBit(string path, long offset)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = offset;
        int value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 0x10));
    }
}
