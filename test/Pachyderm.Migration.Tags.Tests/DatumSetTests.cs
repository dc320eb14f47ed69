using System.Text;
using CsCheck;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Steps.V15;

namespace Pachyderm.Migration.Tags.Tests;

public sealed class DatumSetTests
{
    private static readonly Gen<Input> AnyInput = Gen.Recursive<Input>((depth, nested) => depth > 3
        ? Leaf
        : Gen.Frequency(
            (3, Leaf),
            (2, nested.Array[1, 3].Select(children => Branch(children, cross: true))),
            (1, nested.Array[1, 3].Select(children => Branch(children, cross: false)))));

    private static Gen<Input> Leaf => Gen.Char['a', 'e'].Select(name => new Input { Atom = new AtomInput { Name = Bytes($"{name}") } });

    [Fact]
    public void A_cross_numbers_its_datums_with_the_first_child_fastest() => Gen.Int[0, 4].Array[1, 4].Sample(lengths =>
    {
        Input cross = Branch([.. lengths.Select((_, k) => new Input { Atom = new AtomInput { Name = Bytes($"in{k}") } })], cross: true);
        DatumSet datums = DatumSet.Build(cross, [.. lengths.Select((length, k) => Files($"in{k}", length))]);

        Assert.Equal(lengths.Aggregate(1, (product, length) => product * length), datums.Count);
        for (int i = 0; i < datums.Count; i++)
        {
            int before = 1;
            foreach ((int length, DatumFile file) in lengths.Zip(Take(datums, i, sorted: false)))
            {
                Assert.Equal($"/{i / before % length}", Text(file.Path));
                before *= length;
            }
        }
    });

    [Fact]
    public void Any_nesting_has_the_datums_of_its_definition() => Gen.Select(AnyInput, Gen.Int[0, 3].Array[200]).Sample((input, lengths) =>
    {
        int leaves = InputShape.Of(input, out _).Leaves.Count;
        List<IReadOnlyList<DatumFile>> files = [.. Enumerable.Range(0, leaves).Select(leaf => Files($"{leaf}", lengths[leaf]))];
        int next = 0;
        List<List<string>> expected = Enumerate(input, files, ref next);

        DatumSet datums = DatumSet.Build(input, files);

        Assert.Equal(expected.Count, datums.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal<IEnumerable<string>>(expected[i], Take(datums, i, sorted: false).Select(Show));
        }
    });

    [Fact]
    public void The_sorted_order_is_that_of_the_sorted_input() => Gen.Select(AnyInput, Gen.Int[1, 2].Array[200]).Sample((input, lengths) =>
    {
        // Each leaf's files carry the leaf's place in the stored input, so they can be followed through the sorting.
        Input tagged = input.Clone();
        int number = 0;
        Number(tagged, ref number);
        List<IReadOnlyList<DatumFile>> files = [.. Enumerable.Range(0, number).Select(leaf => Files($"{leaf}", lengths[leaf]))];
        Input sorted = tagged.Clone();
        Sort(sorted);
        List<IReadOnlyList<DatumFile>> sortedFiles = [.. InputShape.Of(sorted, out _).Leaves.Select(leaf => files[int.Parse(leaf.Glob, null)])];

        DatumSet stored = DatumSet.Build(tagged, files);
        DatumSet expected = DatumSet.Build(sorted, sortedFiles);

        Assert.Equal(
            Enumerable.Range(0, (int)expected.Count).Select(i => string.Join(' ', Take(expected, i, sorted: false).Select(Show))).Order(StringComparer.Ordinal),
            Enumerable.Range(0, (int)stored.Count).Select(i => string.Join(' ', Take(stored, i, sorted: true).Select(Show))).Order(StringComparer.Ordinal));
        Assert.True(expected.IsSorted);
    });

    [Fact]
    public void A_product_beyond_all_numbers_is_counted_as_the_greatest_number()
    {
        Input cross = Branch([.. Enumerable.Range(0, 70).Select(_ => new Input { Atom = new AtomInput { Name = Bytes("a") } })], cross: true);
        IReadOnlyList<DatumFile> two = Files("a", 2);

        Assert.Equal(long.MaxValue, DatumSet.Build(cross, [.. Enumerable.Repeat(two, 70)]).Count);
        Assert.Equal(0, DatumSet.Build(cross, [.. Enumerable.Repeat(two, 69), []]).Count);
    }

    [Fact]
    public void A_cron_input_is_the_file_of_its_ticks()
    {
        InputLeaf leaf = Assert.Single(InputShape.Of(
            new Input { Cron = new CronInput { Name = Bytes("tick"), Repo = Bytes("p_tick"), Commit = Bytes("c1") } }, out IReadOnlyList<ByteString> commits).Leaves);

        Assert.Equal(("tick", "p_tick", "master", "time"), (leaf.Name.ToStringUtf8(), leaf.Repo.ToStringUtf8(), leaf.Branch.ToStringUtf8(), leaf.Glob));
        Assert.Equal("c1", Assert.Single(commits).ToStringUtf8());
    }

    // The definition itself: lists that are multiplied out.
    private static List<List<string>> Enumerate(Input input, List<IReadOnlyList<DatumFile>> files, ref int next)
    {
        if (input.Atom is not null)
        {
            return [.. files[next++].Select(file => new List<string> { Show(file) })];
        }

        List<List<List<string>>> children = [];
        foreach (Input child in input.Cross.Count > 0 ? input.Cross : input.Union)
        {
            children.Add(Enumerate(child, files, ref next));
        }

        if (input.Union.Count > 0)
        {
            return [.. children.SelectMany(child => child)];
        }

        List<List<string>> product = [[]];
        foreach (List<List<string>> child in children)
        {
            product = [.. child.SelectMany(right => product.Select(left => (List<string>)[.. left, .. right]))];
        }

        return product;
    }

    private static void Sort(Input input)
    {
        var children = input.Cross.Count > 0 ? input.Cross : input.Union;
        foreach (Input child in children)
        {
            Sort(child);
        }

        Input[] sorted = [.. children.OrderBy(NameOf, StringComparer.Ordinal)];
        children.Clear();
        children.AddRange(sorted);
    }

    private static string NameOf(Input input) => input.Atom is { } atom ? atom.Name.ToStringUtf8() : NameOf((input.Cross.Count > 0 ? input.Cross : input.Union)[0]);

    private static void Number(Input input, ref int number)
    {
        if (input.Atom is { } atom)
        {
            atom.Glob = Bytes($"{number++}");
        }

        foreach (Input child in input.Cross.Concat(input.Union))
        {
            Number(child, ref number);
        }
    }

    private static Input Branch(Input[] children, bool cross)
    {
        Input input = new();
        (cross ? input.Cross : input.Union).AddRange(children.Select(child => child.Clone()));
        return input;
    }

    private static List<DatumFile> Files(string name, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new DatumFile(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes($"/{i}"), new byte[32]))];

    private static List<DatumFile> Take(DatumSet datums, long index, bool sorted)
    {
        List<DatumFile> files = [];
        datums.Fill(index, sorted, files);
        return files;
    }

    private static string Show(DatumFile file) => $"{Text(file.InputName)}{Text(file.Path)}";

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
