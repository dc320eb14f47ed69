using CsCheck;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>Random writes to the editor and to the model, which must agree on the tree or on the conflict.</summary>
public sealed class TreeEditorModelTests
{
    // Few names and little depth, so that writes meet each other.
    private static readonly string[] Names = ["a", "b", "ab", "a-b", "c", "0000000000000001", "f", "zz"];

    private static readonly Gen<string> Name = Gen.Int[0, Names.Length - 1].Select(index => Names[index]);

    private static readonly Gen<string> AnyPath = Name.Array[1, 3].Select(names => "/" + string.Join('/', names));

    private static readonly Gen<string> Text = Gen.Char['0', '9'].Array[0, 3].Select(characters => new string(characters));

    private static readonly Gen<ModelWrite> Write = Gen.Frequency(
        (6, Gen.Select(AnyPath, Text, Gen.Int[0, 5], (path, text, dice) => new ModelWrite('p', path, [text], dice == 0))),
        (3, Gen.Select(Gen.OneOf(AnyPath, AnyPath, Gen.Const("")), path => new ModelWrite('d', path, [], false))),
        (3, Gen.Select(Gen.OneOf(AnyPath, AnyPath, Gen.Const("")), Text.Array[0, 3], Gen.Int[0, 5], (path, texts, dice) => new ModelWrite('s', path, texts, dice == 0))));

    [Fact]
    public async Task Batches_of_writes_leave_the_tree_or_fail_with_the_message_of_the_first_conflict()
    {
        await Write.Array[1, 12].Array[1, 6].SampleAsync(
            async batches =>
            {
                TreeHarness trees = new(TreeHarness.Tiny);
                TreeModel model = new();
                DirectoryReference? root = null;
                foreach (ModelWrite[] batch in batches)
                {
                    TreeModel next = model.Copy();
                    string? conflict = null;
                    try
                    {
                        Array.ForEach(batch, next.Apply);
                    }
                    catch (TreeConflictException exception)
                    {
                        conflict = exception.Message;
                    }
                    string? found = null;
                    try
                    {
                        DirectoryReference applied = await trees.ApplyAsync(root, batch.Select(write => write.ToWrite()));
                        (root, model) = (applied, next);
                    }
                    catch (TreeConflictException exception)
                    {
                        found = exception.Message;
                    }
                    Assert.Equal(conflict, found);
                    Assert.Equal(model.Describe(), await trees.DescribeAsync(root));
                }
            },
            iter: 2_000);
    }
}
