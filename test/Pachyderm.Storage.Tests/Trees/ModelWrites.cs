using CsCheck;

namespace Pachyderm.Storage.Tests.Trees;

/// <summary>Random writes over few names and little depth, so that they meet each other.</summary>
internal static class ModelWrites
{
    private static readonly string[] FewNames = ["a", "b", "ab", "a-b", "c", "0000000000000001", "f", "zz"];

    internal static Gen<string> Name { get; } = Gen.Int[0, FewNames.Length - 1].Select(index => FewNames[index]);

    internal static Gen<string> AnyPath { get; } = Name.Array[1, 3].Select(names => "/" + string.Join('/', names));

    internal static Gen<string> Text { get; } = Gen.Char['0', '9'].Array[0, 3].Select(characters => new string(characters));

    internal static Gen<ModelWrite> Any { get; } = Gen.Frequency(
        (6, Gen.Select(AnyPath, Text, Gen.Int[0, 5], (path, text, dice) => new ModelWrite('p', path, [text], dice == 0))),
        (3, Gen.OneOf(AnyPath, AnyPath, Gen.Const("")).Select(path => new ModelWrite('d', path, [], false))),
        (3, Gen.Select(
            Gen.OneOf(AnyPath, AnyPath, Gen.Const("")), Text.Array[0, 3], Gen.Int[0, 5],
            (path, texts, dice) => new ModelWrite('s', path, texts, dice == 0))));

    /// <summary>
    /// Puts and deletes of which none is in conflict with another: directories have names with a <c>d</c>, files others. Many entries, so
    /// that directories have many nodes.
    /// </summary>
    internal static Gen<ModelWrite> Peaceful { get; } = Gen.Select(
        Gen.Int[0, 2].Array[0, 2], Gen.Int[0, 150], Text, Gen.Int[0, 9],
        (directories, file, text, dice) =>
        {
            string path = string.Concat(directories.Select(number => $"/d{number}"));
            return dice == 0 && path.Length > 0 && file < 5
                ? new ModelWrite('d', path, [], false)
                : new ModelWrite(dice < 3 ? 'd' : 'p', $"{path}/f{file}", [text], true);
        });

    /// <summary>Applies writes one by one, leaving out those that are in conflict.</summary>
    internal static TreeModel Model(IEnumerable<ModelWrite> writes)
    {
        TreeModel model = new();
        foreach (ModelWrite write in writes)
        {
            // Only a split changes anything before it finds a conflict.
            TreeModel next = write.Kind == 's' ? model.Copy() : model;
            try
            {
                next.Apply(write);
                model = next;
            }
            catch (Storage.Trees.TreeConflictException)
            {
                // The write is left out.
            }
        }
        return model;
    }
}
