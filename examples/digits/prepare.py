"""Write scikit-learn's handwritten digits to data/digits.parquet: 1,797 images, a row each."""

from pathlib import Path

from sklearn.datasets import load_digits

frame = load_digits(as_frame=True).frame
target = Path("data/digits.parquet")
target.parent.mkdir(exist_ok=True)
frame.to_parquet(target, index=False)
print(f"{target}: {len(frame)} images of {len(frame.columns) - 1} pixels")
