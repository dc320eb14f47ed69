using Pachyderm.ObjectStores;

namespace Pachyderm.Storage.Adoption;

/// <summary>
/// An object store of an older release whose objects are part of this store, where they are. It is only read, and it must stay
/// what it is: its blocks never changed in the older release, either.
/// </summary>
/// <param name="Name">
/// Its short name, by which adopted packs refer to it whatever becomes of its place: 1 to <see cref="MaximumNameLength"/> characters of
/// <c>a-z</c>, <c>0-9</c> and <c>-</c>.
/// </param>
/// <param name="Objects">Where it is now.</param>
public sealed record AdoptionSource(string Name, IObjectStore Objects)
{
    /// <summary>Longest name.</summary>
    public const int MaximumNameLength = 22;

    /// <summary>
    /// Whether the source may go: garbage collection then forgets adopted packs in which nothing is needed any more, and nothing can be
    /// adopted from it. If not, it never touches them. The source itself is left alone in any case.
    /// </summary>
    public bool Released { get; init; }

    /// <summary>Whether a text can be the name of a source.</summary>
    public static bool IsName(string? text)
    {
        if (text is not { Length: > 0 and <= MaximumNameLength })
        {
            return false;
        }

        foreach (char unit in text)
        {
            if (unit is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'))
            {
                return false;
            }
        }

        return true;
    }
}
