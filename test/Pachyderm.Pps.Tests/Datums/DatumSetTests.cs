using CsCheck;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Pps.Tests.Datums;

public sealed class DatumSetTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_file_of_an_atom_is_a_datum()
    {
        DatumSet datums = await OpenAsync(Atom("r"), Given.Files("r", ("/b", "2"), ("/a", "1")));

        Assert.Equal(["r:/a", "r:/b"], Show(datums));
        Assert.Equal(Given.Hash("1"), datums[0].Parts[0].File.Hash);
    }

    [Fact]
    public async Task Of_a_cross_the_first_child_varies_fastest()
    {
        FakeRepos repos = Given.Files("r", ("/a", ""), ("/b", "")).With("s", [("/1", ""), ("/2", ""), ("/3", "")]);

        DatumSet datums = await OpenAsync(new CrossInput([Atom("r"), Atom("s")]), repos);

        Assert.Equal(["r:/a s:/1", "r:/b s:/1", "r:/a s:/2", "r:/b s:/2", "r:/a s:/3", "r:/b s:/3"], Show(datums));
    }

    [Fact]
    public async Task A_union_has_the_datums_of_one_child_after_the_other()
    {
        FakeRepos repos = Given.Files("r", ("/a", "")).With("s", [("/1", ""), ("/2", "")]).With("empty", []);

        DatumSet datums = await OpenAsync(new UnionInput([Atom("empty"), Atom("r"), Atom("empty"), Atom("s"), Atom("empty")]), repos);

        Assert.Equal(["r:/a", "s:/1", "s:/2"], Show(datums));
    }

    [Fact]
    public async Task A_cross_with_an_empty_child_has_no_datums()
    {
        FakeRepos repos = Given.Files("r", ("/a", "")).With("empty", []);

        Assert.Empty(await OpenAsync(new CrossInput([Atom("r"), Atom("empty")]), repos));
        Assert.Empty(await OpenAsync(new UnionInput([Atom("empty")]), repos));
        Assert.Equal(["r:/a"], Show(await OpenAsync(new UnionInput([new CrossInput([Atom("r"), Atom("empty")]), Atom("r")]), repos)));
    }

    [Fact]
    public async Task A_cron_has_the_file_of_its_last_tick()
    {
        FakeRepos repos = Given.Files("tick", ("/other", ""), ("/time", "t"));

        DatumSet datums = await OpenAsync(new CronInput("t", "tick", "c", "@daily", Given.Now), repos);

        Assert.Equal(["t:/time"], Show(datums));
        Assert.Equal("master", datums[0].Parts[0].Input.Branch);
    }

    [Fact]
    public async Task The_files_of_a_commit_are_listed_once_however_often_they_are_read()
    {
        FakeRepos repos = Given.Files("r", ("/a", ""), ("/b", ""));

        DatumSet datums = await OpenAsync(new CrossInput([Atom("r", "x"), Atom("r", "y")]), repos);

        Assert.Equal(1, repos.Globs);
        Assert.Equal(["x:/a y:/a", "x:/b y:/a", "x:/a y:/b", "x:/b y:/b"], Show(datums));
    }

    [Fact]
    public async Task Inputs_may_be_nested()
    {
        FakeRepos repos = Given.Files("r", ("/a", ""), ("/b", "")).With("s", [("/1", "")]).With("t", [("/x", ""), ("/y", "")]);

        DatumSet datums = await OpenAsync(new CrossInput([Atom("r"), new UnionInput([Atom("s"), Atom("t")])]), repos);

        Assert.Equal(["r:/a s:/1", "r:/b s:/1", "r:/a t:/x", "r:/b t:/x", "r:/a t:/y", "r:/b t:/y"], Show(datums));
    }

    [Fact]
    public async Task Paths_of_any_bytes_and_lengths_are_kept()
    {
        byte[] odd = [(byte)'/', 0xff, 0xfe];
        DatumFile[] files =
        [
            new DatumFile(TreePath.Root, Given.Hash("root"), 7, IsDirectory: true),
            Given.File("/" + new string('a', 200_000)),
            Given.File("/b"),
            new DatumFile(TreePath.FromBytes(odd), Given.Hash("odd"), 1, IsDirectory: false),
        ];

        DatumFileList list = await DatumFileList.LoadAsync(new Listed(files), new CommitRef("r", "c"), "/*", Token);

        Assert.Equal(files, Enumerable.Range(0, list.Count).Select(i => list[i]));
        Assert.All(files, file => Assert.Equal(file, list.Find(file.Path)));
        Assert.Null(list.Find(TreePath.Clean("/c")!.Value));
    }

    [Fact]
    public async Task Files_of_many_pages_are_kept()
    {
        DatumFile[] files =
        [
            .. Enumerable.Range(0, 3_000).Select(static i =>
                new DatumFile(TreePath.Clean($"/d{i / 100:D2}/{new string('f', i % 40)}{i:D4}")!.Value, Given.Hash($"{i}"), i, i % 3 == 0))
                .OrderBy(static file => file.Path),
        ];

        DatumFileList list = await DatumFileList.LoadAsync(new Listed(files), new CommitRef("r", "c"), "/**", Token);

        Assert.Equal(files, Enumerable.Range(0, list.Count).Select(i => list[i]));
        Assert.All(files, file => Assert.Equal(file, list.Find(file.Path)));
    }

    [Fact]
    public async Task A_source_out_of_order_is_found_out() => await Assert.ThrowsAsync<InvalidOperationException>(
        () => DatumFileList.LoadAsync(new Listed([Given.File("/b"), Given.File("/a")]), new CommitRef("r", "c"), "/*", Token));

    [Fact]
    public async Task More_datums_than_can_be_counted_are_refused()
    {
        FakeRepos repos = new FakeRepos().Numbered("r", 1000);
        Input[] four = [.. Enumerable.Range(0, 4).Select(i => Atom("r", $"i{i}"))];

        var error = await Assert.ThrowsAsync<PpsException>(() => OpenAsync(new CrossInput(four.ToValueList()), repos));

        Assert.Equal("the input has more than 2147483646 datums", error.Message);
    }

    [Fact]
    public async Task A_place_outside_has_no_datum()
    {
        DatumSet datums = await OpenAsync(Atom("r"), Given.Files("r", ("/a", "")));

        Assert.Throws<ArgumentOutOfRangeException>(() => datums[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => datums[-1]);
    }

    [Fact]
    public async Task Any_input_has_the_datums_that_a_simple_model_gives()
    {
        FakeRepos repos = new();
        for (int size = 0; size < 4; size++)
        {
            repos.Numbered($"r{size}", size);
        }
        Gen<Input> leaf = Gen.Int[0, 3].Select(static size => (Input)Atom($"r{size}"));
        Gen<Input> tree = Gen.Recursive<Input>((depth, inner) => depth > 3
            ? leaf
            : Gen.Frequency(
                (2, leaf),
                (1, inner.List[1, 3].Select(static children => (Input)new CrossInput(children.ToValueList()))),
                (1, inner.List[1, 3].Select(static children => (Input)new UnionInput(children.ToValueList())))));

        await tree.SampleAsync(
            async input =>
            {
                DatumSet datums = await OpenAsync(input, repos);
                List<string> model = Model(input);
                Assert.Equal(model, Show(datums));
                Assert.True(datums.Count == 0 || datums.MaxParts >= datums.Max(static datum => datum.Parts.Count));
            },
            iter: 300);
    }

    private static List<string> Model(Input input)
    {
        switch (input)
        {
            case CrossInput cross:
                List<string> product = [""];
                foreach (Input child in cross.Inputs)
                {
                    List<string> right = Model(child);
                    List<string> left = product;
                    product = [.. right.SelectMany(r => left.Select(l => l.Length == 0 ? r : $"{l} {r}"))];
                }
                return product;
            case UnionInput union:
                return [.. union.Inputs.SelectMany(Model)];
            default:
                AtomInput atom = (AtomInput)input;
                return [.. Enumerable.Range(0, atom.Repo[1] - '0').Select(i => $"{atom.Name}:/f000000{i}")];
        }
    }

    private static AtomInput Atom(string repo, string? name = null) => new(name ?? repo, repo, "master", "c", "/*");

    private static Task<DatumSet> OpenAsync(Input input, IDatumSource repos) => DatumSet.OpenAsync(input, repos, Token);

    private static IEnumerable<string> Show(DatumSet datums) =>
        datums.Select(static datum => string.Join(' ', datum.Parts.Select(static part => $"{part.Input.Name}:{part.File.Path}")));

    private sealed class Listed(DatumFile[] files) : IDatumSource
    {
        public async IAsyncEnumerable<DatumFile> GlobAsync(
            CommitRef commit, string glob, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.CompletedTask;
            foreach (DatumFile file in files)
            {
                yield return file;
            }
        }
    }
}
