"""What real programs print, and the metrics in it: every number with its own name, no other.

The lines are those that the frameworks print, from their sources, manuals and bug reports.
"""

# ruff: noqa: E501  (lines as they are printed)

from __future__ import annotations

import textwrap

import pytest

from xvc.runs.printed_metrics import LineMetrics, Printed


def read(text: str) -> list[Printed]:
    """The rows in a finished output."""
    reader = LineMetrics(loose=True)
    return reader.feed(text.encode()) + reader.close()


BLOCKS: dict[str, tuple[str, list[Printed]]] = {
    "fastai": (
        """
        epoch     train_loss  valid_loss  accuracy  time
        0         0.129732    0.124536    0.954     00:12
        1         0.092646    0.098316    0.961     00:12
        """,
        [
            {"epoch": 0, "train_loss": 0.129732, "valid_loss": 0.124536, "accuracy": 0.954},
            {"epoch": 1, "train_loss": 0.092646, "valid_loss": 0.098316, "accuracy": 0.961},
        ],
    ),
    "fastai, one blank": (
        "epoch train_loss valid_loss accuracy time\n0 0.5 0.4 0.9 00:06\n",
        [{"epoch": 0, "train_loss": 0.5, "valid_loss": 0.4, "accuracy": 0.9}],
    ),
    "fastai in a gist": (
        """
        epoch | train_loss | valid_loss | accuracy | time
        ---|---|---|---|---
        0 | 3.704119 | 3.436624 | 0.409754 | 00:06
        """,
        [{"epoch": 0, "train_loss": 3.704119, "valid_loss": 3.436624, "accuracy": 0.409754}],
    ),
    "HF steps": (
        "Step\tTraining Loss\tValidation Loss\tAccuracy\n"
        "500\tNo log\t0.512\t0.81\n1000\t0.43\t0.39\t0.86\n",
        [
            {"step": 500, "Validation Loss": 0.512, "Accuracy": 0.81},
            {"step": 1000, "Training Loss": 0.43, "Validation Loss": 0.39, "Accuracy": 0.86},
        ],
    ),
    "HF model card": (
        """
        | Training Loss | Epoch | Step | Validation Loss | Accuracy |
        |:-------------:|:-----:|:----:|:---------------:|:--------:|
        | 0.2345        | 1.0   | 500  | 0.3456          | 0.89     |
        """,
        [],
    ),
    "Markdown": (
        "| epoch | loss | acc |\n|---|---|---|\n| 1 | 0.5 | 0.9 |\n| 2 | 0.4 | 0.92 |\n",
        [{"epoch": 1, "loss": 0.5, "acc": 0.9}, {"epoch": 2, "loss": 0.4, "acc": 0.92}],
    ),
    "Markdown of metrics": (
        "| Metric | Value |\n|---|---|\n| my own | 0.5 |\n| f1 | 0.9 |\n",
        [{"my own": 0.5}, {"f1": 0.9}],
    ),
    "settings in a table": ("| setting | value |\n|---|---|\n| batch | 32 |\n| lr | 0.1 |\n", []),
    "models in a table": ("| model | acc | f1 |\n|---|---|---|\n| rf | 0.9 | 0.8 |\n", []),
    "Rich": (
        """
        ┏━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━┓
        ┃ Epoch ┃ Train Loss ┃ Val Acc  ┃
        ┡━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━┩
        │ 1     │ 0.6931     │ 51.2%    │
        │ 2     │ 0.5012     │ 63.9%    │
        └───────┴────────────┴──────────┘
        """,
        [
            {"epoch": 1, "Train Loss": 0.6931, "Val Acc": 51.2},
            {"epoch": 2, "Train Loss": 0.5012, "Val Acc": 63.9},
        ],
    ),
    "Lightning test": (
        """
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
        ┃        Test metric        ┃       DataLoader 0        ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
        │         test_acc          │    0.9649999737739563     │
        │          dice_x           │    0.1134953945875167     │
        └───────────────────────────┴───────────────────────────┘
        """,
        [{"test_acc": 0.9649999737739563}, {"dice_x": 0.1134953945875167}],
    ),
    "Lightning summary": (
        """
          | Name  | Type   | Params | Mode
        -----------------------------------
        0 | model | Linear | 7.9 K  | train
        1 | loss  | MSE    | 0      | train
        -----------------------------------
        7.9 K     Trainable params
        0.031     Total estimated model params size (MB)
        """,
        [],
    ),
    "Stable-Baselines3": (
        """
        -----------------------------------------
        | eval/                   |             |
        |    mean_reward          | -157        |
        | time/                   |             |
        |    fps                  | 972         |
        | train/                  |             |
        |    approx_kl            | 0.037781604 |
        |    value_loss           | 0.0306      |
        -----------------------------------------
        """,
        [
            {"eval/mean_reward": -157},
            {"time/fps": 972},
            {"train/approx_kl": 0.037781604},
            {"train/value_loss": 0.0306},
        ],
    ),
    "skorch": (
        """
          epoch    train_loss    valid_acc    valid_loss     dur
        -------  ------------  -----------  ------------  ------
              1        \x1b[36m0.6868\x1b[0m       \x1b[32m0.5100\x1b[0m        0.6869  0.0423
              2        0.6706       0.6500        0.6771  0.0301
        """,
        [
            {
                "epoch": 1,
                "train_loss": 0.6868,
                "valid_acc": 0.51,
                "valid_loss": 0.6869,
                "dur": 0.0423,
            },
            {
                "epoch": 2,
                "train_loss": 0.6706,
                "valid_acc": 0.65,
                "valid_loss": 0.6771,
                "dur": 0.0301,
            },
        ],
    ),
    "scikit-learn boosting": (
        """
              Iter       Train Loss      OOB Improve   Remaining Time
                 1           1.2613           0.0301            0.12s
                 2           1.1715           0.0290            0.11s
        """,
        [
            {"iteration": 1, "Train Loss": 1.2613, "OOB Improve": 0.0301},
            {"iteration": 2, "Train Loss": 1.1715, "OOB Improve": 0.029},
        ],
    ),
    "YOLO": (
        """
              Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size
            70/1000      6.73G      1.081     0.4706      1.084         10        640: 100%|██████████| 16/16 [00:05<00:00,  2.78it/s]
                         Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|██████████| 8/8 [00:03<00:00,  2.17it/s]
                           all        722       1444      0.989       0.99      0.993      0.681
                        person        500       1000      0.9         0.91      0.92       0.5
        """,
        [
            {"epoch": 70, "box_loss": 1.081, "cls_loss": 0.4706, "dfl_loss": 1.084},
            {"Box/P": 0.989, "Box/R": 0.99, "Box/mAP50": 0.993, "Box/mAP50-95": 0.681},
        ],
    ),
    "YOLO of 2025": (
        """
              Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size
                1/3      0.77G      1.211      3.456      1.234         12        640: 100% ━━━━━━━━━━━━ 8/8 6.0it/s 1.3s
                         Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100% ━━━━━━━━━━━━ 4/4 4.1it/s 1.0s
                           all        128        929       0.64      0.537      0.605      0.446
        """,
        [
            {"epoch": 1, "box_loss": 1.211, "cls_loss": 3.456, "dfl_loss": 1.234},
            {"Box/P": 0.64, "Box/R": 0.537, "Box/mAP50": 0.605, "Box/mAP50-95": 0.446},
        ],
    ),
    "YOLO segmentation": (
        """
                         Class     Images  Instances      Box(P          R      mAP50  mAP50-95)     Mask(P          R      mAP50  mAP50-95): 100%|██████████| 8/8 [00:03<00:00,  2.17it/s]
                           all          4         17      0.9        0.8      0.7      0.6    0.5      0.4      0.3      0.2
        """,
        [
            {
                "Box/P": 0.9,
                "Box/R": 0.8,
                "Box/mAP50": 0.7,
                "Box/mAP50-95": 0.6,
                "Mask/P": 0.5,
                "Mask/R": 0.4,
                "Mask/mAP50": 0.3,
                "Mask/mAP50-95": 0.2,
            }
        ],
    ),
    "YOLO in the middle of an epoch": (
        """
              Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size
              13/30      13.1G      1.822      21.96     0.5235          9        576:  50%|█████
        """,
        [],
    ),
    "classification report": (
        """
                      precision    recall  f1-score   support

                   0       0.90      0.95      0.92       100
          class with 2       0.94      0.88      0.91        90

            accuracy                           0.92       190
           macro avg       0.92      0.91      0.93       190
        weighted avg       0.94      0.95      0.96       190
        """,
        [
            {"accuracy": 0.92},
            {"macro avg.precision": 0.92, "macro avg.recall": 0.91, "macro avg.f1-score": 0.93},
            {
                "weighted avg.precision": 0.94,
                "weighted avg.recall": 0.95,
                "weighted avg.f1-score": 0.96,
            },
        ],
    ),
    "xgboost.cv": (
        "   train-logloss-mean  train-logloss-std  test-logloss-mean  test-logloss-std\n"
        "0            0.554163           0.001157           0.562345          0.003120\n"
        "1            0.461234           0.001020           0.480001          0.004000\n",
        [
            {
                "step": 0,
                "train-logloss-mean": 0.554163,
                "train-logloss-std": 0.001157,
                "test-logloss-mean": 0.562345,
                "test-logloss-std": 0.00312,
            },
            {
                "step": 1,
                "train-logloss-mean": 0.461234,
                "train-logloss-std": 0.00102,
                "test-logloss-mean": 0.480001,
                "test-logloss-std": 0.004,
            },
        ],
    ),
    "a frame of data": (
        "   sepal length (cm)  cost  target\n0                5.1  3.50       0\n1   4.9   3.0   0\n",
        [],
    ),
    "a frame described": (
        "           loss       acc\ncount  10.000000  10.00\nmean    0.5  0.9\n",
        [],
    ),
    "JSON over lines": (
        '{\n  "epoch": 3,\n  "train": {\n    "accuracy": 0.9\n  },\n  "val": {\n'
        '    "accuracy": 0.8\n  }\n}\n',
        [{"epoch": 3, "train.accuracy": 0.9, "val.accuracy": 0.8}],
    ),
    "pprint": ("{'accuracy': 0.9,\n 'loss': 0.3}\n", [{"accuracy": 0.9, "loss": 0.3}]),
    "an open brace": ("{\nloss of power\nvalue: 3\n", []),
    "Keras 2": (
        "Epoch 1/2\n"
        "1875/1875 [==============================] - 4s 2ms/step - loss: 0.29 - accuracy: 0.91"
        " - val_loss: 0.1 - val_accuracy: 0.97\n"
        "Epoch 2/2\n"
        "1875/1875 - 3s - loss: 0.14 - accuracy: 0.95 - 3s/epoch - 2ms/step\n"
        "313/313 - 0s - loss: 0.09 - accuracy: 0.97\n",
        [
            {"epoch": 1, "loss": 0.29, "accuracy": 0.91, "val_loss": 0.1, "val_accuracy": 0.97},
            {"epoch": 2, "loss": 0.14, "accuracy": 0.95},
            {"loss": 0.09, "accuracy": 0.97},
        ],
    ),
    "Keras 2 in the middle": (
        " 120/1875 [>.............................] - ETA: 5s - loss: 0.9 - accuracy: 0.7\n",
        [],
    ),
    "Keras 3": (
        "Epoch 1/5\n"
        "1875/1875 ━━━━━━━━━━━━━━━━━━━━ 4s 2ms/step - accuracy: 0.8 - loss: 0.6 - learning_rate: 0.001\n",
        [{"epoch": 1, "accuracy": 0.8, "loss": 0.6, "learning_rate": 0.001}],
    ),
    "PyTorch's quickstart": (
        "Epoch 1\n-------------------------------\nloss: 2.303494  [   64/60000]\n"
        "loss: 2.294637  [ 6464/60000]\nTest Error: \n Accuracy: 38.0%, Avg loss: 2.154 \n\n",
        [{"loss": 2.303494}, {"loss": 2.294637}, {"Accuracy": 38.0, "Avg loss": 2.154}],
    ),
    "CatBoost": (
        "Learning rate set to 0.03\n"
        "0:\tlearn: 0.6931\ttest: 0.6812\tbest: 0.6812 (0)\ttotal: 50ms\tremaining: 5s\n"
        "10:\tlearn: 0.5\ttotal: 1.2s\tremaining: 3m 20s\n"
        "bestTest = 0.5\nbestIteration = 10\nShrink model to first 11 iterations.\n",
        [
            {"step": 0, "learn": 0.6931, "test": 0.6812, "best": 0.6812},
            {"step": 10, "learn": 0.5},
        ],
    ),
    "LightGBM": (
        "[LightGBM] [Info] Number of positive: 357, number of negative: 212\n"
        "[LightGBM] [Info] [binary:BoostFromScore]: pavg=0.627417 -> initscore=0.521150\n"
        "[LightGBM] [Info] Start training from score 0.521150\n"
        "Training until validation scores don't improve for 10 rounds\n"
        "[20]\tvalid_0's l1: 0.43\tvalid_0's l2: 0.21\n"
        "[30]\tcv_agg's valid binary_logloss: 0.21 + 0.012\n"
        "Early stopping, best iteration is:\n[12]\tvalid_0's l2: 0.2\n",
        [
            {"step": 20, "valid_0's l1": 0.43, "valid_0's l2": 0.21},
            {"step": 30, "cv_agg's valid binary_logloss": 0.21},
            {"step": 12, "valid_0's l2": 0.2},
        ],
    ),
    "XGBoost": (
        "[0]\ttrain-mlogloss:1.60\teval-mlogloss:1.62\n[1]\tvalidation_0-logloss:0.65123\n"
        "[2]\ttrain-auc:0.95184+0.00134\ttest-auc:0.90+0.02\n[3]\ttrain-mine:0.3\n",
        [
            {"step": 0, "train-mlogloss": 1.6, "eval-mlogloss": 1.62},
            {"step": 1, "validation_0-logloss": 0.65123},
            {"step": 2, "train-auc": 0.95184, "test-auc": 0.9},
            {"step": 3, "train-mine": 0.3},
        ],
    ),
    "a traceback": (
        'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n'
        "    loss = 0.5\nValueError: 3\n",
        [],
    ),
    "one key in two units": ("step time: 980ms\nstep time: 1.2s\n", [{"step time": 980}]),
    "per cent and a fraction": ("acc: 93%\nacc: 0.94\nacc: 95 %\n", [{"acc": 93}, {"acc": 95}]),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_printed_block_gives_its_numbers(name: str) -> None:
    """Tables have a header, dicts several lines, and Keras its epoch a line before."""
    text, expected = BLOCKS[name]

    assert read(textwrap.dedent(text)) == expected


LINES: list[tuple[str, Printed]] = [
    ("INFO: loss: 0.24", {"loss": 0.24}),
    ("INFO:root:loss: 0.24", {"loss": 0.24}),
    (
        "| epoch 001:    450 / 1891 loss=11.521, nll_loss=10.881, ppl=1886.05",
        {"epoch": 1, "batch": 450, "loss": 11.521, "nll_loss": 10.881, "ppl": 1886.05},
    ),
    (
        "| epoch 010  2000 / 8223 loss=1.27 (1.50), lr=0.001",
        {"epoch": 10, "batch": 2000, "loss": 1.27, "lr": 0.001},
    ),
    (
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.397",
        {"AP@[IoU=0.50:0.95|area=all|maxDets=100]": 0.397},
    ),
    (
        "INFO:tensorflow:Saving dict for global step 1000: accuracy = 0.95, loss = 0.12",
        {"accuracy": 0.95, "loss": 0.12},
    ),
    ("Best val accuracy: 0.9132 at epoch 17", {"epoch": 17, "Best val accuracy": 0.9132}),
    ("loss: 0.3 (step 200)", {"loss": 0.3}),
    (
        "2026-11-30 10:00:00,123 DEV : loss 0.35 - f1-score (micro avg)  0.8123",
        {"DEV/loss": 0.35, "DEV/f1-score (micro avg)": 0.8123},
    ),
    ("R^2 score: 0.842", {"R^2 score": 0.842}),
    ("Accuracy for class: plane is 62.9 %", {"Accuracy for class plane": 62.9}),
    ("BLEU = 27.3 65.1/35.2/20.9/12.9 (BP = 0.98 ratio = 0.98 hyp_len = 61000)", {"BLEU": 27.3}),
    ("%WER 4.51 [ 2371 / 52576, 275 ins, 170 del, 1926 sub ]", {"WER": 4.51}),
    ("INFO:__main__:epoch 3 loss=0.2", {"epoch": 3, "loss": 0.2}),
    ("2026-11-30 10:00:00,123 - train - INFO - epoch 3 loss=0.2", {"epoch": 3, "loss": 0.2}),
    ("2026-11-30 10:00:00,123 INFO loss: 0.24", {"loss": 0.24}),
    ("2026-11-30 10:00:00 INFO train loss: 0.24", {"train loss": 0.24}),
    ("[2026-11-30 10:00:00,123][__main__][INFO] - loss: 0.24", {"loss": 0.24}),
    ("[2026-11-30 10:00:00,123][train][INFO] - Epoch 1: acc=0.9", {"epoch": 1, "acc": 0.9}),
    ("2026-11-30 10:00:00.123 | INFO     | __main__:main:12 - loss: 0.24", {"loss": 0.24}),
    ("2026-11-30 10:00:00.123 | INFO     | __main__:<module>:3 - val_loss=0.2", {"val_loss": 0.2}),
    ("[11:00:01] INFO     loss: 0.24                    train.py:12", {"loss": 0.24}),
    ("I1130 10:00:00.123456 140000 train.py:12] step 100 loss 0.2", {"step": 100, "loss": 0.2}),
    ("2026-11-30T10:00:00Z loss=0.2", {"loss": 0.2}),
    ("2026-11-30 10:00:00 [info     ] loss=0.2 acc=0.9", {"loss": 0.2, "acc": 0.9}),
    ("[INFO] accuracy: 0.93", {"accuracy": 0.93}),
    ("[train] INFO: loss: 0.3", {"loss": 0.3}),
    ("10:00:00 loss: 0.3", {"loss": 0.3}),
    ("10:00:00 - INFO - loss: 0.3", {"loss": 0.3}),
    ("[10:00:00] loss: 0.3", {"loss": 0.3}),
    ("[rank0] loss: 0.24", {"loss": 0.24}),
    ("[rank0]: loss: 0.24", {"loss": 0.24}),
    ("[rank1]: loss: 0.25", {}),
    ("[default0]:loss: 0.24", {"loss": 0.24}),
    ("[1,0]<stdout>:loss: 0.24", {"loss": 0.24}),
    ("[1,3]<stdout>:loss: 0.24", {}),
    ("(RayTrainWorker pid=1234, ip=10.0.0.1) loss: 0.24", {"loss": 0.24}),
    ("(train pid=1234) epoch 1 loss: 0.24", {"epoch": 1, "loss": 0.24}),
    (
        "2020-05-21 04:01:33,217 - mmdet - INFO - Epoch [1][19/678]\tlr: 0.00020, "
        "eta: 1 day, 16:44:26, time: 1.413, data_time: 0.116, memory: 9581, "
        "loss_rpn_cls: 0.6978, s0.acc: 92.1875, loss: 3.0130",
        {
            "epoch": 1,
            "batch": 19,
            "lr": 0.0002,
            "time": 1.413,
            "data_time": 0.116,
            "memory": 9581,
            "loss_rpn_cls": 0.6978,
            "s0.acc": 92.1875,
            "loss": 3.013,
        },
    ),
    (
        "11/30 10:00:00 - mmengine - INFO - Epoch(train)  [3][  50/1879]  lr: 1.0000e-03  "
        "eta: 3:20:11  time: 0.5  loss: 1.2",
        {"epoch": 3, "batch": 50, "lr": 0.001, "time": 0.5, "loss": 1.2},
    ),
    (
        "[11/01 11:23:38 d2.utils.events]: eta: 8:08:27  iter: 639  total_loss: 1.194  "
        "loss_cls: 0.831  time: 0.3326  lr: 0.006394  max_mem: 3961M",
        {"iteration": 639, "total_loss": 1.194, "loss_cls": 0.831, "time": 0.3326, "lr": 0.006394},
    ),
    (
        "[05/01 07:04:51 d2.utils.events]:  eta: N/A  iter: 197900  total_loss: 0.035  lr: 0.0025",
        {"iteration": 197900, "total_loss": 0.035, "lr": 0.0025},
    ),
    (
        "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.300039",
        {"epoch": 1, "Loss": 2.300039},
    ),
    (
        "Epoch: [0][  10/5005]\tTime  0.1 ( 0.2)\tData  0.05 ( 0.1)\t"
        "Loss 6.9e+00 (7.0e+00)\tAcc@1   0.50 (  0.10)\tAcc@5   1.56 (  0.60)",
        {"epoch": 0, "batch": 10, "Loss": 6.9, "Acc@1": 0.5, "Acc@5": 1.56},
    ),
    (" * Acc@1 71.592 Acc@5 90.302", {"Acc@1": 71.592, "Acc@5": 90.302}),
    (
        "Test set: Average loss: 0.0264, Accuracy: 9915/10000 (99%)",
        {"Test set/Average loss": 0.0264, "Test set/Accuracy": 0.9915},
    ),
    (
        "{'loss': 0.52, 'grad_norm': 1.2, 'learning_rate': 5e-05, 'epoch': 0.5}",
        {"epoch": 0.5, "loss": 0.52, "grad_norm": 1.2, "learning_rate": 5e-05},
    ),
    (
        "{'eval_loss': '0.31', 'eval_accuracy': '0.9', 'eval_runtime': '2.4'}",
        {"eval_loss": 0.31, "eval_accuracy": 0.9, "eval_runtime": 2.4},
    ),
    ("{'accuracy': np.float64(0.93), 'f1': tensor(0.8)}", {"accuracy": 0.93, "f1": 0.8}),
    ('{"epoch": 1, "loss": NaN, "ok": true}', {"epoch": 1, "loss": float("nan")}),
    ('{"time": "2026-11-30", "level": "info", "loss": 0.2, "pid": 12}', {"loss": 0.2}),
    ("{'loss': 0.2, 'v_num': 3, 'port': 8080}", {"loss": 0.2}),
    ("  train_loss               =     0.4321", {"train_loss": 0.4321}),
    ("  train_samples_per_second =     45.3", {"train_samples_per_second": 45.3}),
    ("  perplexity               =      12.3", {"perplexity": 12.3}),
    (
        "step 0: train loss 10.9, val loss 10.8",
        {"step": 0, "train loss": 10.9, "val loss": 10.8},
    ),
    ("iter 100: loss 4.2, time 123.4ms, mfu 12.5%", {"iteration": 100, "loss": 4.2, "mfu": 12.5}),
    (
        "step 10 | loss 3.2300 | step time 12.34ms",
        {"step": 10, "loss": 3.23, "step time": 12.34},
    ),
    (
        "step: 5 | loss: 3.2 | lr 6e-4 | norm: 1.2 | dt: 400.2ms | tok/sec: 1232",
        {"step": 5, "loss": 3.2, "lr": 6e-4, "norm": 1.2, "dt": 400.2, "tok/sec": 1232},
    ),
    (
        "Epoch: 1, lr: 1.00e-05 - train loss: 14.03, train acc: 5.75e-01 - valid loss: 14.01",
        {"epoch": 1, "lr": 1e-05, "train loss": 14.03, "train acc": 0.575, "valid loss": 14.01},
    ),
    (
        "Epoch 1: train_loss=1.66, train_acc=[0.958, 0.57], valid_loss=1.304",
        {"epoch": 1, "train_loss": 1.66, "valid_loss": 1.304},
    ),
    ("Epoch 3/10 | loss: 0.2 | acc: 0.9", {"epoch": 3, "loss": 0.2, "acc": 0.9}),
    ("Epoch [3/10], Step [5/6], Loss: 0.1", {"epoch": 3, "step": 5, "Loss": 0.1}),
    ("epoch=3 step=100 loss=0.2", {"epoch": 3, "step": 100, "loss": 0.2}),
    (
        "Epoch 001: | Train Loss: 0.2 | Val Loss: 0.3",
        {"epoch": 1, "Train Loss": 0.2, "Val Loss": 0.3},
    ),
    ("[Epoch 5] loss: 0.2", {"epoch": 5, "loss": 0.2}),
    ("[1,  2000] loss: 2.173", {"loss": 2.173}),
    ("[3] loss: 0.2", {}),
    ("Iteration 1, loss = 0.5", {"iteration": 1, "loss": 0.5}),
    ("Round 3: accuracy=0.81", {"round": 3, "accuracy": 0.81}),
    (
        "Epoch 3 train: loss=0.3 acc=0.9 | val: loss=0.4 acc=0.8",
        {"epoch": 3, "train/loss": 0.3, "train/acc": 0.9, "val/loss": 0.4, "val/acc": 0.8},
    ),
    ("Epoch 2: my_own=0.25", {"epoch": 2, "my_own": 0.25}),
    ("loss=0.1,acc=0.9", {"loss": 0.1, "acc": 0.9}),
    ("loss: 0.1; acc: 0.9", {"loss": 0.1, "acc": 0.9}),
    ("d_loss: 0.6, g_loss: 1.2, D(x): 0.7", {"d_loss": 0.6, "g_loss": 1.2, "D(x)": 0.7}),
    ("train/loss=0.3 lr=0.1 device=cuda", {"train/loss": 0.3, "lr": 0.1}),
    ("100%|███| 10/10 [00:01<00:00, 9.1it/s, loss=0.2, acc=0.9]", {"loss": 0.2, "acc": 0.9}),
    ("Epoch 1:  45%|██  | 9/20 [00:01<00:02, 9.1it/s, loss=0.2]", {"epoch": 1, "loss": 0.2}),
    ("10it [00:01, 9.1it/s, loss=0.2]", {"loss": 0.2}),
    (
        "Epoch 0: 100%|██| 10/10 [00:01<00:00, 9.1it/s, v_num=3, train_loss=0.2, val_acc=0.9]",
        {"epoch": 0, "train_loss": 0.2, "val_acc": 0.9},
    ),
    ("loss: tensor(0.3456, device='cuda:0', grad_fn=<NllLossBackward0>)", {"loss": 0.3456}),
    ("Accuracy: 93.1%", {"Accuracy": 93.1}),
    ("Accuracy: 93.1 %", {"Accuracy": 93.1}),
    ("Accuracy (test): 0.93", {"Accuracy (test)": 0.93}),
    ("AUC: 0.85 ± 0.02", {"AUC": 0.85}),
    ("RMSE: 0.45 (+/- 0.02)", {"RMSE": 0.45}),
    ("f1 = 0.81 [0.79, 0.83]", {"f1": 0.81}),
    ("- accuracy: 0.9", {"accuracy": 0.9}),
    ("* F1: 0.9", {"F1": 0.9}),
    ("=> val_loss: 0.3", {"val_loss": 0.3}),
    ("Final score: 12", {"Final score": 12}),
    ("Best value: -0.99 (params: {'x': 0.04})", {"Best value": -0.99}),
    ("The RMSE of prediction is: 0.445", {"RMSE of prediction": 0.445}),
    ("Test accuracy is 0.93.", {"Test accuracy": 0.93}),
    ("Mean CV accuracy: 0.91", {"Mean CV accuracy": 0.91}),
    ("Episode 10 reward: 21.5", {"episode": 10, "reward": 21.5}),
    ("Fold 3: accuracy 0.91", {"fold": 3, "accuracy": 0.91}),
    ("MeanSquaredError: 0.25", {"MeanSquaredError": 0.25}),
    ("[LightGBM] [Info] Iteration:1, valid_1 auc : 0.7", {"iteration": 1, "valid_1 auc": 0.7}),
    ("mean_reward:208.85 +/- 76.36", {"mean_reward": 208.85}),
    ("loss: 0,24", {"loss": 0.24}),
    ("loss: 0,123", {"loss": 0.123}),
    ("Genauigkeit acc: 12,5 %", {"Genauigkeit acc": 12.5}),
    ("loss: 0,24, acc: 0,9", {"loss": 0.24, "acc": 0.9}),
    ("Epoch 3 loss: 0,24", {"epoch": 3, "loss": 0.24}),
    ("loss: 1,234", {}),
    ("loss: 1,234.5", {"loss": 1234.5}),
    ("loss: 1.234,5", {"loss": 1234.5}),
    ("acc: 1,2,3", {}),
    ("loss: inf", {"loss": float("inf")}),
    ("latency: 12.3ms", {"latency": 12.3}),
    ("seconds: 0.5", {"seconds": 0.5}),
    ("map: 0.45", {"map": 0.45}),
    (
        "| epoch   1 |   200/ 2983 batches | lr 5.00 | ms/batch 12.34 | loss  8.12 | ppl  3367.12",
        {"epoch": 1, "batch": 200, "lr": 5.0, "ms/batch": 12.34, "loss": 8.12, "ppl": 3367.12},
    ),
    (
        "| end of epoch   1 | time: 40.12s | valid loss  5.80 | valid ppl   331.23",
        {"time": 40.12, "valid loss": 5.8, "valid ppl": 331.23},
    ),
    (
        "2026-11-30 10:00:00 | INFO | fairseq.trainer | epoch 001 | loss 0.3 | ppl 12.3 | lr 0.1",
        {"epoch": 1, "loss": 0.3, "ppl": 12.3, "lr": 0.1},
    ),
    ("max_depth=3, n_estimators=100, accuracy=0.9", {"accuracy": 0.9}),
    ("F1: 0.9 P: 0.8 R: 0.7", {"F1": 0.9, "P": 0.8, "R": 0.7}),
    ("mAP@0.5: 0.6", {"mAP@0.5": 0.6}),
    ("throughput: 1200 img/s", {"throughput": 1200}),
]


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line for line, _ in LINES])
def test_a_printed_line_gives_its_numbers(line: str, expected: Printed) -> None:
    """With what loggers put before it, in the ways of frameworks and of people."""
    rows = read(line + "\n")

    assert repr(rows) == repr([expected] if expected else [])


NOTHING = """
Elapsed: 12.3s
Time elapsed: 12.3 s
Total time: 120.5
port: 8080
Listening on port: 8080
progress: 45%
Progress: 45.0%
pid: 123
PID=4711
Downloading: 45%
Downloading data: 100%
Downloading: 100%|███| 10/10
Map: 100%|██████████| 1000/1000 [00:01<00:00, 912.3 examples/s]
Loading checkpoint shards: 50%|█████ | 1/2 [00:01<00:01, 1.2s/it]
version: 1.2
Python version: 3.11
CUDA version: 12.1
torch==2.5
GPU 0: 40C
GPU: 1
gpu_id: 0
step 100/1000
Step 100
Epoch 3/10
epoch: 3
epoch = 3.0
ETA: 3:20
ETA: 12
ETA: 12.5s
remaining: 5s
2026-11-30
date: 2026-11-30
Date: 20261130
2026-11-30 10:00:00
2026-11-30 10:00:00,123 INFO loaded 3 files
10:00:00
12:30
12: 30
commit: 1234567
hash: 1234567e8
sha256: 0
revision 20261130
host: 10.0.0.1
IP: 10.0
10.0.0.1: 443
size: 12MB
File size: 1.2 GB
memory: 12.3GB
Total params: 1,234,567
Trainable params: 1234
num_classes: 10
n_samples: 1000
samples = 1000
Found 2000 images
Found: 2000
loaded 3 files
Number of data points in the train set: 569, number of used features: 30
batch size: 32
batch_size=32
epochs: 10
epochs: 5, lr: 0.1
max_steps = 1000
seed: 42
random seed: 42
workers: 4
num_workers=4
world_size: 8
rank: 0
local_rank: 0, world_size: 8
lr: 0.001
learning_rate = 0.1
lr=0.1 momentum=0.9
dropout: 0.5
temperature: 0.7
threshold: 0.5
loss_weight: 0.3
target accuracy: 0.95
accuracy threshold: 0.9
min_delta: 0.001
patience: 5
precision: 16
Error: 404
ERROR: 3
ValueError: 3
KeyError: 0.5
HTTPError: 404
error code: 5
exit code: 1
return code: 0
HTTP 200
status: 200
attempt: 2
Retry in: 5
Map: 5
error margin: 0.1
Time: 12.3s
Duration: 3.2 seconds
GPU utilization: 45%
test: 45%
Epoch 3 time: 12.3s
Speed: 0.2ms preprocess, 1.2ms inference, 0.0ms loss, 0.8ms postprocess per image
[CV 1/5] END ..................C=1, gamma=0.1;, score=0.933 total time=   0.0s
Validation loss decreased (0.25 --> 0.23).  Saving model ...
Saved model-epoch=03-val_loss=0.23.ckpt
192.168.0.1 loss: 0.2
Cost: $3.50
Timeout seconds: 30
value: 3
retries=3
year: 2026
id: 42
user_id=1000
line: 12
File "x.py", line 3
http://localhost:8080
Running on http://127.0.0.1:8080
Uploading model.bin: 12.3MB
checkpoint: 3
Saved checkpoint 5
saving model at step 100
Resuming from epoch 3
early stopping since val_loss is 0.5
Epoch 1: val_loss improved from inf to 0.23, saving model to model.keras
Metric val_loss improved by 0.020 >= min_delta = 0.0. New best score: 0.230
[I 2026-11-30 10:00:00,123] Trial 0 finished with value: 0.93 and parameters: {'x': 1.2}.
Step 4/12 : FROM python:3.11
Step 4/12 : RUN pip install numpy==2.1
Successfully installed rouge-1.0.1
rouge-score     0.1.2
real    0m1.2s
Collecting loss (3.2)
{'port': 8080, 'pid': 12}
{'lr': 0.1, 'batch_size': 32, 'epochs': 10}
{"loss": "mse", "lr": 0.1}
Namespace(lr=0.1, epochs=5, seed=0)
Adam (Parameter Group 0, lr: 0.001, eps: 1e-8, weight_decay: 0)
GPU memory: 12.3
cuda: 0
Using device: 0
[LightGBM] [Info] Total Bins 4548
[LightGBM] [Info] Start training from score 0.521150
[LightGBM] [Warning] No further splits with positive gain, best gain: -inf
Best is trial 0 with value: 0.93.
wandb: Synced 5 W&B file(s), 0 media file(s)
+ loss=0.5
--loss 0.5
reward: 10.0.0.1
loss:
loss: high
acc: nan?
loss: 3/10
1 2 3 4
0.1 0.2 0.3
| 1 | 0.5 |
│ dense (Dense)  │ (None, 10)  │ 7,850 │
│ batch_size │ 32 │
INFO: port: 8080
INFO: Epoch 3
2026-11-30 10:00:00,123 - train - INFO - ETA: 3:20
[rank0] pid: 12
12 passed, 3 failed in 4.5s
cost: 3k
loss: 3k
 Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000
Saving the model for you at this place: size = 12
Stopped at epoch 17
copied 450 / 1891 files
""".strip().splitlines()


@pytest.mark.parametrize("line", NOTHING)
def test_what_a_program_says_of_itself_is_no_metric(line: str) -> None:
    """Clocks, ports, counts, versions, settings, places: a wrong number is worse than none."""
    assert read(line + "\n") == []


def test_no_metric_comes_out_of_all_of_them_in_a_row() -> None:
    """Nor does one such line make another one a table."""
    assert read("\n".join(line for line in NOTHING if not line.startswith("{")) + "\n") == []
